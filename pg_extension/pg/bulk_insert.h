#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace brigade::pg {

// Appends rows to a table as COPY does: many tuples a page write, no executor in between. Meant for
// the storage tables, which have no triggers, defaults or constraints but their indexes'.
// Cells are added in column order; end_row() closes a row.
class BulkInsert {
 public:
  enum class OnConflict : uint8_t { fail, report };

  // REQUIRES: a transaction. `schema` and `table` name a table with `columns` columns.
  BulkInsert(const char* schema, const char* table, int columns,
             OnConflict on_conflict = OnConflict::fail);
  // Flushes nothing: rows not flushed are lost with the transaction that failed.
  ~BulkInsert();
  BulkInsert(const BulkInsert&) = delete;
  BulkInsert& operator=(const BulkInsert&) = delete;

  BulkInsert& bigint(int64_t value);
  BulkInsert& bigint(std::optional<int64_t> value) { return value ? bigint(*value) : null(); }
  BulkInsert& integer(int32_t value);
  BulkInsert& bigints(std::span<const int64_t> values);
  BulkInsert& character(char value);
  BulkInsert& text(std::string_view value);
  BulkInsert& uuid(std::string_view bytes);
  BulkInsert& null();
  void end_row();

  // Makes the rows added so far visible to statements of this transaction.
  void flush();
  // Flushes and closes the table. Call it before the transaction commits.
  void finish();
  // After a flush, with OnConflict::report: the rows, counted from 0 in the order they were added,
  // that were inserted although another row of the table has their key. The caller puts that right.
  std::span<const uint32_t> conflicts() const;

 private:
  enum class CellKind : uint8_t { null, word, text, uuid, bigints };
  struct Cell {
    CellKind kind;
    uintptr_t word;
    std::string_view bytes;
  };
  struct State;

  BulkInsert& add(const Cell& cell);

  std::vector<Cell> cells_;
  size_t cell_count_ = 0;
  State* state_;  // in server memory: it must survive an ERROR's longjmp
};

}  // namespace brigade::pg
