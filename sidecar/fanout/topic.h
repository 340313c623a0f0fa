#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/types.h"

namespace brigade::sidecar {

class Member;
struct Topic;

/// One member's subscription of one topic.
struct Place {
  Topic* topic;
  uint32_t slot;  ///< in the topic's subscribers
};

struct Subscriber {
  Member* member;
  Place* place;  ///< in the member's list
};

/// Something members are told about when a storage commit changes it.
struct Topic {
  enum class Kind : uint8_t { bucket, dependency };
  explicit Topic(Kind kind_of_topic) : kind(kind_of_topic) {}

  Kind kind;
  std::vector<Subscriber> subscribers;
};

/// A bucket that at least one session wants, as it is at the hub's position.
struct Bucket : Topic {
  Bucket() : Topic(Kind::bucket) {}

  std::optional<int64_t> id;  ///< empty until storage holds something of it
  std::string name;
  BucketState state;
  bool stale = false;  ///< the state is not known at the hub's position; the next attach brings it
};

/// A lookup key that the resolution of at least one session read.
struct Dependency : Topic {
  explicit Dependency(int64_t hash_of_key) : Topic(Kind::dependency), hash(hash_of_key) {}

  int64_t hash;
};

}  // namespace brigade::sidecar
