#include "compaction/bucket_compaction.h"
#include "compaction/compactor.h"
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

// Compacts the task's bucket, or all if it is 0, up to the newest checkpoint.
void compact_now(pg::WorkerTask& task) {
  Pacer pacer(false);
  const int64_t until = newest_checkpoint().op_id;
  std::vector<int64_t> buckets{task.argument};
  if (task.argument == 0) buckets = all_buckets();
  for (const int64_t bucket : buckets) {
    lock_bucket(bucket);
    const CompactionResult result = compact(bucket, until, pacer);
    unlock_bucket(bucket);
    task.results[0]++;
    task.results[1] += result.moved;
    task.results[2] += result.deleted;
  }
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
      brigade::compact_now(task);
      task.done = true;
    } catch (const std::exception& error) {
      brigade::pg::fail_task(task, error.what());
    }
  });
}
