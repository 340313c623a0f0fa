#pragma once

#include <cstdint>
#include <optional>
#include <vector>

// Which buckets compaction looks at, when, and how far back. The commit log says what was written;
// brigade.bucket_compaction keeps what is due over restarts. REQUIRES throughout: no transaction.
namespace brigade {

struct CheckpointPosition {
  int64_t commit_id = 0;
  int64_t op_id = 0;
};
CheckpointPosition newest_checkpoint();

// The newest storage commit that is at least `age_s` seconds old and still in the log; zeros: none.
CheckpointPosition checkpoint_of_age(int age_s);

std::vector<int64_t> all_buckets();

// Makes buckets due that were written since the last call, if what was written is worth it.
void schedule_written_buckets();

// Buckets that are due, the longest due first; at most `limit`.
std::vector<int64_t> due_buckets(int limit);

// Takes the bucket off the schedule, or puts it back if enough was written meanwhile.
void reschedule(int64_t bucket);
void postpone(int64_t bucket, int seconds);

}  // namespace brigade
