#include "compaction/bucket_compaction.h"
#include "compaction/compactor.h"
#include "compaction/defragmentation.h"
#include "compaction/schedule.h"
#include "pg/background_worker.h"
#include "pg/error.h"
#include "pg/server.h"
#include "pg/worker_task.h"

namespace brigade {

namespace {

void connect(uint32_t database) {
  pg::connect_worker(database);
  pg::mark_writes_as_own();
  // What a crash undoes is done again, so no commit needs to wait for the disk.
  pg::commit_without_waiting();
  pg::plan_with_indexes();
}

// Places and op ids of old rows, 16 bytes each.
constexpr size_t old_rows_of_task_max = 1000000;

void add(pg::WorkerTask& task, const CompactionResult& result) {
  task.results[1] += result.moved;
  task.results[2] += result.deleted;
}

// Compacts buckets up to the newest checkpoint; returns those whose rows are appended again.
std::vector<int64_t> compact_now(pg::WorkerTask& task, const std::vector<int64_t>& buckets,
                                 size_t old_rows_max) {
  Pacer pacer(false);
  const int64_t until = newest_checkpoint().op_id;
  std::vector<int64_t> reappended;
  for (const int64_t bucket : buckets) {
    lock_bucket(bucket);
    const CompactionResult result = compact(bucket, until, old_rows_max, pacer);
    add(task, result);
    const int64_t rows = defragment(bucket, result, old_rows_max);
    unlock_bucket(bucket);
    task.results[3] += rows;
    if (rows > 0) reappended.push_back(bucket);
  }
  return reappended;
}

// Compacts the task's bucket, or all if it is 0.
void carry_out(pg::WorkerTask& task) {
  std::vector<int64_t> buckets{task.argument};
  if (task.argument == 0) buckets = all_buckets();
  task.results[0] = static_cast<int64_t>(buckets.size());
  const size_t old_rows_max = task.option ? old_rows_of_task_max : 0;
  const std::vector<int64_t> reappended = compact_now(task, buckets, old_rows_max);
  if (reappended.empty()) return;
  wait_for_reappended();
  compact_now(task, reappended, 0);
}

}  // namespace

}  // namespace brigade

extern "C" PGDLLEXPORT void brigade_compaction_main(Datum database) {
  brigade::pg::edge([&] {
    brigade::connect(DatumGetObjectId(database));
    brigade::Compactor(DatumGetObjectId(database)).run();
  });
}

extern "C" PGDLLEXPORT void brigade_compaction_helper_main(Datum database) {
  brigade::pg::edge([&] {
    brigade::connect(DatumGetObjectId(database));
    brigade::Compactor(DatumGetObjectId(database)).help();
  });
}

extern "C" PGDLLEXPORT void brigade_compaction_task_main(Datum argument) {
  brigade::pg::edge([&] {
    brigade::pg::WorkerTask& task = brigade::pg::attach_task(argument);
    brigade::connect(task.database);
    try {
      brigade::carry_out(task);
      task.done = true;
    } catch (const std::exception& error) {
      brigade::pg::fail_task(task, error);
    }
  });
}
