#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "decoding/change_message.h"
#include "pg/table_scan.h"

// The queue of tables to copy: brigade.table_copy. REQUIRES throughout: an open transaction.
namespace brigade {

struct TableCopy {
  int64_t id = 0;
  uint32_t relation = 0;
  std::string table_name;
  std::vector<int32_t> definitions;
  bool started = false;
  uint32_t file_node = 0;
  pg::RowLocation next;
  int64_t row_count = 0;
  int64_t blocks_left = 0;  // as last seen; the queue does not hold it

  // Its table and definitions, as storage wants them.
  TruncateChange target() const;
};

void enqueue_copy(uint32_t relation, const std::string& table_name, const std::string& reason,
                  const std::vector<int32_t>& definitions);
// All that wait or run, oldest first.
std::vector<TableCopy> load_copies();

// Notes which file is read and what is held of the table; from the first row on.
void start_copy(TableCopy& copy, const pg::OpenTable& table);
void store_progress(const TableCopy& copy);
void end_copy(const TableCopy& copy);
// What brigade.progress says of it, in a line.
std::string describe_progress(const TableCopy& copy);

}  // namespace brigade
