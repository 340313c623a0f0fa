#pragma once

#include <string>
#include <utility>
#include <vector>

#include "fanout/topic.h"

namespace brigade::sidecar {

struct AttachedBucket {
  const Bucket* bucket;
  uint8_t priority;
  std::vector<Reason> reasons;
};

/// A resolution brought to the hub's position.
struct Attachment {
  int64_t op_id = 0;
  std::optional<int64_t> write_checkpoint;
  std::vector<AttachedBucket> buckets;
  std::vector<StreamDescription> streams;
};

/// Who the hub tells about storage commits: a session.
class Member {
 public:
  Member(std::string user_id, std::string client_id)
      : user_id_(std::move(user_id)), client_id_(std::move(client_id)) {}
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  const std::string& user_id() const { return user_id_; }
  const std::string& client_id() const { return client_id_; }

  /// The buckets of the attachment stay valid until the next call has returned, or `Hub::remove`.
  virtual void on_attached(Attachment attachment) = 0;
  /// Bucket `index` of the attachment has a new state.
  virtual void on_bucket_changed(uint32_t index) = 0;
  virtual void on_write_checkpoint(int64_t id) = 0;
  /// What the resolution read has changed: resolve again and `Hub::attach`.
  virtual void on_resolution_outdated() = 0;
  /// Called once after the calls above, at the end of every commit that made any of them.
  virtual void on_commit(int64_t op_id) = 0;

 protected:
  ~Member() = default;

 private:
  friend class Hub;

  std::string user_id_;
  std::string client_id_;
  /// Buckets first, in the attachment's order, then dependencies. Never grows in place: topics
  /// point to its elements.
  std::vector<Place> places_;
  uint32_t bucket_count_ = 0;
  uint32_t slot_in_hub_ = 0;
  bool touched_ = false;
};

}  // namespace brigade::sidecar
