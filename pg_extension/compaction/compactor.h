#pragma once

#include <chrono>
#include <cstdint>

#include "compaction/bucket_compaction.h"
#include "compaction/pacer.h"

namespace brigade {

// What a process that compacts in the background does.
class Compactor {
 public:
  explicit Compactor(uint32_t database) : database_(database) {}

  // The one process a database has for it: schedules buckets, compacts them, and starts helpers
  // when several are due. Returns when there is nothing to do for it in this database any more.
  void run();
  // Compacts buckets until none is due.
  void help();

 private:
  bool compact_next();
  void compact_due(int64_t bucket);
  void launch_helpers();
  void prune_sometimes();

  uint32_t database_;
  Pacer pacer_{true};
  std::chrono::steady_clock::time_point next_pruning_{};
};

// Compacts a bucket up to an operation and adds to the totals. REQUIRES: its lock; no transaction.
CompactionResult compact(int64_t bucket, int64_t until_op_id, size_t old_rows_max, Pacer& pacer);

}  // namespace brigade
