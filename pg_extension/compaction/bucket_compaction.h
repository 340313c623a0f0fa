#pragma once

#include <cstdint>

#include "compaction/history.h"
#include "compaction/pacer.h"

namespace brigade {

// What a compaction of a bucket has done.
struct CompactionResult {
  int64_t examined = 0;
  int64_t moved = 0;
  int64_t deleted = 0;
};

// Compacts one bucket's history up to an operation, in short transactions. It may be cut off
// between any two: what it did holds, and the next one starts from the last complete pass.
// REQUIRES: no transaction; no other process compacts the bucket (see below).
class BucketCompaction {
 public:
  BucketCompaction(int64_t bucket, int64_t until_op_id, Pacer& pacer);

  CompactionResult run();

 private:
  int64_t load_compacted();
  int64_t note_changes(NewestOperations& newest, int64_t after);
  void pass(const NewestOperations& newest, int64_t until);
  void store(const HistoryPass& pass, int64_t until);

  int64_t bucket_;
  int64_t until_;
  Pacer& pacer_;
  CompactionResult result_;
};

// A bucket's lock against being compacted twice at a time; held over transactions.
bool try_lock_bucket(int64_t bucket);
void lock_bucket(int64_t bucket);
void unlock_bucket(int64_t bucket);

}  // namespace brigade
