#pragma once

#include <functional>
#include <string>
#include <vector>

#include "decoding/decoder.h"
#include "decoding/relation_cache.h"
#include "pg/table_scan.h"

namespace brigade {

// Some rows of a table as one snapshot shows them, as messages for storage.
struct Chunk {
  struct Row {
    Subkey subkey;
    size_t begin;  // of its messages
    size_t end;
  };
  std::string messages;
  std::vector<Row> rows;
  int64_t row_count = 0;  // rows read, those without effect as well
  pg::RowLocation next;
  bool at_end = false;
  uint64_t watermark = 0;  // all that the snapshot saw committed lies before this place in the WAL

  // Leaves out the messages of rows that the stream of changes told meanwhile.
  void leave_out(const std::function<bool(const Subkey&)>& was_told);
};

// Binds some of the plans' definitions to a table.
TableBinding bind_definitions(const pg::OpenTable& table, const ActivePlans& plans,
                              const std::vector<int32_t>& definitions);

// Reads `rows_max` rows from `start` on under the active snapshot, fewer if they are wide, for some
// of the plans' definitions. The watermark is to be written when the transaction has ended.
Chunk read_chunk(const pg::OpenTable& table, const ActivePlans& plans,
                 const std::vector<int32_t>& definitions, pg::RowLocation start, int64_t rows_max);

}  // namespace brigade
