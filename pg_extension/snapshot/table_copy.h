#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "decoding/change_message.h"
#include "pg/table_scan.h"

// The queue of tables to copy: brigade.table_copy. REQUIRES throughout: an open transaction.
namespace brigade {

enum class CopyPhase : uint8_t { waiting, gathering, copying, removing };

// Of CopyPhase::gathering. The first two make room, the others fill brigade.held_row.
enum class GatheringStep : uint8_t { held_rows, memberships, lookups, operations };

// Where a gathering goes on.
struct GatheringPosition {
  // All operations up to those of this commit have been read; none: no pass is complete yet.
  static constexpr int64_t none = -1;

  GatheringStep step = GatheringStep::held_rows;
  int64_t read_commit = none;
  int64_t read_op = 0;
  // Where the pass ends that is being made over buckets; as above if there is none.
  int64_t pass_commit = none;
  int64_t pass_op = 0;
  // In the pass: this bucket has been read up to this operation, those before it are done.
  int64_t bucket = 0;
  int64_t bucket_op = 0;
  int64_t held = 0;  // rows in brigade.held_row, at most

  bool in_pass() const { return pass_commit != read_commit; }
};

// A storage commit, and the newest operation then.
struct StoredUntil {
  int64_t commit = GatheringPosition::none;
  int64_t op = 0;
};

struct TableCopy {
  int64_t id = 0;
  uint32_t relation = 0;
  std::string table_name;
  std::vector<int32_t> definitions;
  CopyPhase phase = CopyPhase::waiting;
  StoredUntil since;  // nothing before it concerns the table; none: anything may
  GatheringPosition gathering;
  Subkey next_subkey{};  // where gathering, or removing, goes on among rows
  uint32_t file_node = 0;
  pg::RowLocation next;
  int64_t row_count = 0;
  int64_t blocks_left = 0;  // as last seen; the queue does not hold it

  // Whether brigade.held_row says all that is held of rows nothing was said of since.
  bool started() const { return phase == CopyPhase::copying || phase == CopyPhase::removing; }
  // Its table and definitions, as storage wants them.
  TruncateChange target() const;
};

// `since`: as in TableCopy.
void enqueue_copy(uint32_t relation, const std::string& table_name, const std::string& reason,
                  const std::vector<int32_t>& definitions, const StoredUntil& since);
// All that wait or run, oldest first.
std::vector<TableCopy> load_copies();

// From the very beginning.
void start_gathering(TableCopy& copy);
// Notes which file is read; from the first row on. REQUIRES: what is held has been gathered.
void start_copy(TableCopy& copy, const pg::OpenTable& table);
// The table has been read; what is left in brigade.held_row is gone from it.
void start_removing(TableCopy& copy);
void store_progress(const TableCopy& copy);
void end_copy(const TableCopy& copy);
// What brigade.progress says of it, in a line.
std::string describe_progress(const TableCopy& copy);

}  // namespace brigade
