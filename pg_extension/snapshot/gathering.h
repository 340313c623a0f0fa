#pragma once

#include <cstdint>
#include <vector>

#include "snapshot/table_copy.h"
#include "storage/held_changes.h"

namespace brigade {

// Fills brigade.held_row with what is held of a table that is to be copied, a part at a time, while
// the stream goes on. Operations are read in the order of their ids, first of each bucket, then of
// those buckets that the commit log names since; so a part only adds what is newer to what it
// found, and compaction beside it does no harm:
// - What became a MOVE, or vanished into a CLEAR, was superseded by an operation with a greater id.
//   If we have not read that one, it is ahead of us: as itself, or in turn as a MOVE or in a CLEAR
//   behind a greater id yet.
// - A CLEAR ahead of us may hold removals of rows that we have read, and so takes with it all that
//   we have of the bucket. What is still held of it has its operations behind the CLEAR.
// - What defragmentation appends again has a new id like any other.
class Gathering {
 public:
  // `forgetting`: those definitions of the copy that need not remember the table's rows.
  Gathering(TableCopy& copy, std::vector<int32_t> forgetting);

  // Reads about `count` rows and operations in the open transaction, and notes in the copy how far
  // it has come. True: all that is held now is in brigade.held_row, so that the copy can start in
  // this transaction.
  bool read_part(int64_t count);

  int64_t examined() const { return examined_; }
  // Those that were of the table.
  int64_t row_count() const { return row_count_; }

 private:
  bool read_step();
  template <typename Part>
  void read_rows(Part part, const TruncateChange& table, GatheringStep next);
  bool begin_pass();
  void read_operations();

  int64_t left() const { return count_ - examined_; }

  TableCopy& copy_;
  std::vector<int32_t> forgetting_;
  int64_t count_ = 0;
  int64_t examined_ = 0;
  int64_t row_count_ = 0;
};

}  // namespace brigade
