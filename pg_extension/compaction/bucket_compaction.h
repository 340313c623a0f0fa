#pragma once

#include <cstdint>
#include <vector>

#include "compaction/history.h"
#include "compaction/pacer.h"

namespace brigade {

// What a compaction of a bucket has done.
struct CompactionResult {
  int64_t examined = 0;
  int64_t moved = 0;
  int64_t deleted = 0;
  // After the last pass, up to `until_op_id`; zeros if there was none.
  int64_t until_op_id = 0;
  int64_t operations = 0;
  int64_t rows = 0;
  std::vector<OldRow> old_rows;
};

// Compacts one bucket's history up to an operation, in short transactions. It may be cut off
// between any two: what it did holds, and the next one starts from the last complete pass.
// REQUIRES: no transaction; no other process compacts the bucket (see below).
class BucketCompaction {
 public:
  // With `old_rows_max`, there is a pass even if nothing was written since the last one.
  BucketCompaction(int64_t bucket, int64_t until_op_id, size_t old_rows_max, Pacer& pacer);

  CompactionResult run();

 private:
  struct Progress {
    int64_t compacted = 0;   // up to where the last complete pass went
    int64_t operations = 0;  // in the bucket
  };
  Progress load_progress();
  int64_t note_changes(NewestOperations& newest, int64_t after);
  void pass(const NewestOperations& newest, int64_t until);
  void store(const HistoryPass& pass, int64_t until);

  int64_t bucket_;
  int64_t until_;
  size_t old_rows_max_;
  Pacer& pacer_;
  CompactionResult result_;
};

// A bucket's lock against being compacted twice at a time; held over transactions.
bool try_lock_bucket(int64_t bucket);
void lock_bucket(int64_t bucket);
void unlock_bucket(int64_t bucket);

}  // namespace brigade
