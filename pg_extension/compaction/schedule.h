#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Which buckets compaction looks at, and how far back. REQUIRES throughout: no transaction.
namespace brigade {

struct CheckpointPosition {
  int64_t commit_id;
  int64_t op_id;
};
CheckpointPosition newest_checkpoint();

// The newest operation that is older than `age_s` seconds, by the commit log; 0: none.
int64_t newest_op_id_older_than(int age_s);

std::vector<int64_t> all_buckets();

}  // namespace brigade
