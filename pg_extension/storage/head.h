#pragma once

#include <cstdint>

namespace brigade {

// The counters of storage. Only the worker advances them; they are stored with every storage
// commit.
struct Head {
  int64_t commit_id = 0;
  int64_t op_id = 0;
  int64_t bucket_id = 0;
  uint64_t lsn = 0;

  // Leaves out numbers that a server lost in a failover may have given to others.
  void skip_lost() {
    constexpr int64_t more_than_can_be_lost = int64_t{1} << 32;
    commit_id += more_than_can_be_lost;
    op_id += more_than_can_be_lost;
    bucket_id += more_than_can_be_lost;
  }
};

}  // namespace brigade
