#pragma once

#include <cstdint>
#include <memory_resource>
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

  BulkInsert& bigint(int64_t value) { return add(static_cast<uintptr_t>(value)); }
  BulkInsert& integer(int32_t value) { return add(static_cast<uintptr_t>(value)); }
  BulkInsert& character(char value) { return add(static_cast<uintptr_t>(value)); }
  BulkInsert& bigints(std::span<const int64_t> values);
  BulkInsert& text(std::string_view value);
  BulkInsert& uuid(std::string_view bytes);
  BulkInsert& null() { return add(0, true); }
  void end_row();

  // Makes the rows added so far visible to statements of this transaction.
  void flush();
  // Flushes and closes the table. Call it before the transaction commits.
  void finish();
  // After a flush, with OnConflict::report: the rows, counted from 0 in the order they were added,
  // that were inserted although another row of the table has their key. The caller puts that right.
  const std::vector<uint32_t>& conflicts() const { return conflicts_; }

 private:
  struct State;

  BulkInsert& add(uintptr_t datum, bool null = false) {
    datums_.push_back(datum);
    nulls_.push_back(null ? 1 : 0);
    return *this;
  }
  void* allocate(size_t size);
  void write();
  void sort_rows();

  size_t columns_;
  // Of the rows not yet written.
  size_t row_count_ = 0;
  std::vector<uintptr_t> datums_;  // row by row
  std::vector<char> nulls_;
  size_t buffered_bytes_ = 0;
  std::pmr::monotonic_buffer_resource values_;  // that datums point to
  std::vector<uint32_t> order_;                 // in which they are written

  uint32_t written_count_ = 0;
  std::vector<uint32_t> conflicts_;
  State* state_;  // in server memory: it must survive an ERROR's longjmp
};

}  // namespace brigade::pg
