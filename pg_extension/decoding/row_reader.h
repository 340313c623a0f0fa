#pragma once

#include <string>
#include <vector>

#include "decoding/change_message.h"
#include "decoding/value_conversion.h"
#include "pg/memory.h"
#include "pg/server.h"

extern "C" {
#include "access/htup.h"
#include "access/tupdesc.h"
}

namespace brigade {

// Reads rows of one table, as its columns were when the reader was made, as SQLite values; from the
// WAL and from a scan of the table alike. Its owner makes a new one when the relation cache says
// the table changed. REQUIRES, to read: the output settings are fixed (decoding/output_settings.h).
class RowReader {
 public:
  // Throws pg::Error.
  RowReader(TupleDesc descriptor, const ValueOptions& options);

  // Live columns in table order: those whose values the tuples hold, so no dropped ones.
  std::vector<std::string> column_names() const;
  size_t column_count() const { return column_count_; }
  const char* column_name(size_t column) const { return columns_[column].name; }
  // Position among the live columns of attribute number `attribute` (from 1), or -1.
  int column_of_attribute(int attribute) const;

  // Converts no other columns from now on; they read as null. REQUIRES: an entry a column.
  void read_only(const std::vector<bool>& columns);

  // Fills values[0 … column_count). Texts and blobs lie in the tuple or in the current memory
  // context. With `from_wal`, a value that is stored out of line is Value::unchanged(), because by
  // now it may be gone. Server zone: may raise.
  // REQUIRES: `descriptor` describes the same columns as the one the reader was made with.
  void read(HeapTuple tuple, TupleDesc descriptor, bool from_wal, Value* values) const;

  // Adds the values of columns read that are stored out of line, as far as the tuple still leads to
  // them. They lie in the tuple or in the current memory context. Throws pg::Error.
  void add_out_of_line_values(HeapTuple tuple, TupleDesc descriptor, bool from_wal,
                              std::vector<OutOfLineChange::Entry>& entries) const;
  // One of those, read back as the value of its column. Server zone: may raise.
  Value convert_kept(size_t column, std::string_view kept) const;
  // The attribute number of a column, from 1.
  int16_t attribute_of_column(size_t column) const {
    return static_cast<int16_t>(columns_[column].index + 1);
  }

 private:
  struct Column {
    int index;  // in the tuple
    bool variable_length;
    const char* name;
    const ValueConverter* converter;
    bool skipped;
  };
  void prepare(TupleDesc descriptor, const ValueOptions& options);
  const varlena* out_of_line_value(const Column& column, bool from_wal) const;
  static Value convert(const Column& column, Datum datum, bool from_wal);

  // Everything below lies in the arena, since the server zone makes and uses it.
  pg::Arena arena_;
  Column* columns_ = nullptr;
  size_t column_count_ = 0;
  int attribute_count_ = 0;
  Datum* datums_ = nullptr;  // of the tuple being read
  bool* nulls_ = nullptr;
};

}  // namespace brigade
