#pragma once

#include <string>
#include <vector>

#include "pg/server.h"
#include "sync_config/plan.h"
#include "sync_config/value.h"

extern "C" {
#include "access/htup.h"
#include "access/tupdesc.h"
}

namespace brigade {

// Reads tuples of one table as SQLite values.
class RowReader {
 public:
  // May raise (server zone). Keeps `descriptor`, which must outlive the reader.
  RowReader(TupleDesc descriptor, const ValueOptions& options);

  // Live columns in table order.
  std::vector<std::string> column_names() const;
  size_t column_count() const { return columns_.size(); }
  // Position among the live columns of attribute number `attribute` (from 1), or -1.
  int column_of_attribute(int attribute) const;

  // Fills values[0 … column_count). Texts live in the current memory context. With `from_wal`, a
  // value stored out of line is Value::unchanged(). Server zone: may raise.
  void read(HeapTuple tuple, TupleDesc descriptor, bool from_wal, Value* values) const;

 private:
  struct Column {
    int attribute;
    Oid type;
    Oid output_function;
    bool variable_length;
    std::string name;
  };
  Value convert(const Column& column, Datum datum, bool from_wal) const;

  std::vector<Column> columns_;
};

}  // namespace brigade
