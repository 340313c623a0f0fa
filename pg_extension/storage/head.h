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
};

}  // namespace brigade
