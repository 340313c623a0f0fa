#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/head.h"

namespace brigade {

// A bucket's running state, as of the storage transaction being written.
struct BucketState {
  int64_t id = 0;
  int32_t definition = 0;
  std::string parameters;
  // Not yet in its row. The count itself is only there, since compaction changes it too.
  int64_t operations_added = 0;
  uint32_t checksum = 0;  // wraps, as the protocol wants
  int64_t last_op_id = 0;
  bool stored = false;   // has a row in brigade.bucket
  bool changed = false;  // differs from its row
};

// The buckets the writer works with. Keeps those it has seen, up to a limit.
class BucketCache {
 public:
  using Name = std::pair<int32_t, std::string_view>;  // definition, parameters

  // Reads what is not yet known about the named buckets, in one statement.
  void load(const std::vector<Name>& names);

  // Null if there is no such bucket. REQUIRES: loaded.
  BucketState* find(const Name& name);
  BucketState* find(int64_t id);
  // Makes the bucket if there is none; its id comes from `head`. REQUIRES: loaded.
  BucketState& find_or_create(const Name& name, Head& head);
  // Reads the named buckets by id, so that find(id) knows them.
  void load_ids(const std::vector<int64_t>& ids);

  // Called by whoever changes a state; collects it for store_changed().
  void mark_changed(BucketState& state);
  // Writes changed states and returns their ids, ascending. `commit_id` is noted in new buckets.
  std::vector<int64_t> store_changed(int64_t commit_id);

  // After a storage transaction: forgets everything if too much is kept.
  void trim();

 private:
  BucketState& adopt(BucketState state);
  void insert_new(int64_t commit_id);
  void update_old();

  struct StoredName {
    int32_t definition;
    std::string parameters;
  };
  // Finds a StoredName by a Name, without making one.
  struct NameHash {
    using is_transparent = void;
    size_t operator()(const Name& name) const {
      return std::hash<std::string_view>()(name.second) ^ static_cast<size_t>(name.first);
    }
    size_t operator()(const StoredName& name) const {
      return (*this)(Name(name.definition, name.parameters));
    }
  };
  struct NameEqual {
    using is_transparent = void;
    template <typename Left, typename Right>
    bool operator()(const Left& left, const Right& right) const {
      return view(left) == view(right);
    }
    static Name view(const Name& name) { return name; }
    static Name view(const StoredName& name) { return {name.definition, name.parameters}; }
  };

  std::unordered_map<StoredName, BucketState, NameHash, NameEqual> by_name_;
  std::unordered_map<int64_t, BucketState*> by_id_;
  std::vector<BucketState*> changed_;
};

}  // namespace brigade
