#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace brigade::pg {

// Finds rows of a storage table by the leading columns of an index, one key after the other, as the
// active snapshot shows them. With no executor in between this takes a third of the time that a
// join with a list of keys takes; and no statistics, however old, make it read more than it must.
class IndexLookup {
 public:
  // How the last column of a key is compared, those before it by equality. Rows come in the index's
  // order.
  enum class LastColumn { equal, greater, at_least };

  // A value of a key column: an integer, or the 16 bytes of a uuid.
  class KeyValue {
   public:
    KeyValue(int64_t number) : number_(number) {}
    KeyValue(std::string_view uuid) : uuid_(uuid.data()) {}

   private:
    friend class IndexLookup;
    int64_t number_ = 0;
    const char* uuid_ = nullptr;
  };

  // REQUIRES: names of a table of schema `brigade` and of its B-tree whose leading columns are
  // `key_columns` integers, bigints or uuids, the last a bigint if it is to be greater and a uuid
  // if it is to be at least; an active snapshot; and a memory context that outlives this.
  IndexLookup(const char* table, const char* index, int key_columns,
              LastColumn last = LastColumn::equal);
  ~IndexLookup();
  IndexLookup(const IndexLookup&) = delete;
  IndexLookup& operator=(const IndexLookup&) = delete;

  // REQUIRES: as many values as key columns.
  void start(std::initializer_list<KeyValue> key);
  // False when the key has no further row.
  bool next();
  // As next(), but comes to entries of rows that are gone too, so that it returns soon however many
  // they are until a vacuum. REQUIRES, here and below: LastColumn::at_least, and one key column.
  bool next_entry();
  bool entry_has_row() const { return entry_has_row_; }
  std::span<const uint8_t, 16> entry_key() const;

  bool is_null(int column) const;
  // Columns of the table's row, counted from 0. REQUIRES: of that type, and not null.
  int32_t integer(int column) const;
  int64_t bigint(int column) const;
  char character(int column) const;
  std::span<const uint8_t, 16> uuid(int column) const;
  // Good until the next call of next().
  std::string_view text(int column) const;
  std::vector<int64_t> bigints(int column) const;

  // Deletes the row next() gave. REQUIRES: nobody else writes to it, nor has this transaction.
  void remove();

 private:
  struct State;

  int exceptions_;
  bool entry_has_row_ = false;
  State* state_;  // in server memory
};

}  // namespace brigade::pg
