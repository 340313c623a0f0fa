#include "decoding/row_reader.h"

#include "decoding/live_attribute.h"
#include "pg/compatibility.h"
#include "pg/error.h"

extern "C" {
#include "access/detoast.h"
#include "access/htup_details.h"
}

namespace brigade {

RowReader::RowReader(TupleDesc descriptor, const ValueOptions& options)
    : arena_(pg::Arena::permanent("pg_brigade row reader")) {
  const pg::ContextScope in_arena(arena_);
  pg::guard([&] { prepare(descriptor, options); });
}

void RowReader::prepare(TupleDesc descriptor, const ValueOptions& options) {
  attribute_count_ = descriptor->natts;
  datums_ = static_cast<Datum*>(palloc(sizeof(Datum) * attribute_count_));
  nulls_ = static_cast<bool*>(palloc(sizeof(bool) * attribute_count_));
  columns_ = static_cast<Column*>(palloc(sizeof(Column) * attribute_count_));
  for (int i = 0; i < attribute_count_; i++) {
    const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, i);
    if (!is_live(*attribute)) continue;
    columns_[column_count_] = {i, attribute->attlen == -1, pstrdup(NameStr(attribute->attname)),
                               create_value_converter(attribute->atttypid, options), false};
    column_count_++;
  }
}

std::vector<std::string> RowReader::column_names() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < column_count_; i++) names.emplace_back(columns_[i].name);
  return names;
}

int RowReader::column_of_attribute(int attribute) const {
  for (size_t i = 0; i < column_count_; i++) {
    if (columns_[i].index == attribute - 1) return static_cast<int>(i);
  }
  return -1;
}

void RowReader::read_only(const std::vector<bool>& columns) {
  for (size_t i = 0; i < column_count_; i++) columns_[i].skipped = !columns[i];
}

Value RowReader::convert(const Column& column, Datum datum, bool from_wal) {
  const char* bytes = DatumGetPointer(datum);
  if (from_wal && column.variable_length && VARATT_IS_EXTERNAL_ONDISK(bytes)) {
    return Value::unchanged({bytes, VARSIZE_EXTERNAL(bytes)});
  }
  return column.converter->to_value(datum);
}

void RowReader::read(HeapTuple tuple, TupleDesc descriptor, bool from_wal, Value* values) const {
  if (descriptor->natts != attribute_count_) elog(ERROR, "row reader is out of date");
  heap_deform_tuple(tuple, descriptor, datums_, nulls_);
  for (size_t i = 0; i < column_count_; i++) {
    const Column& column = columns_[i];
    const bool is_null = nulls_[column.index] || column.skipped;
    values[i] = is_null ? Value::null() : convert(column, datums_[column.index], from_wal);
  }
}

// Null if the value is in line, or if it is only a pointer to what may be gone by now.
const varlena* RowReader::out_of_line_value(const Column& column, bool from_wal) const {
  if (!column.variable_length || column.skipped || nulls_[column.index]) return nullptr;
  auto* value = reinterpret_cast<varlena*>(DatumGetPointer(datums_[column.index]));
  if (!VARATT_IS_EXTERNAL(value)) return nullptr;
  if (from_wal && VARATT_IS_EXTERNAL_ONDISK(value)) return nullptr;
  return detoast_attr(value);
}

void RowReader::add_out_of_line_values(HeapTuple tuple, TupleDesc descriptor, bool from_wal,
                                       std::vector<OutOfLineChange::Entry>& entries) const {
  if (!HeapTupleHasExternal(tuple)) return;
  pg::guard([&] { heap_deform_tuple(tuple, descriptor, datums_, nulls_); });
  for (size_t i = 0; i < column_count_; i++) {
    const varlena* value = pg::guard([&] { return out_of_line_value(columns_[i], from_wal); });
    if (value == nullptr) continue;
    entries.push_back({attribute_of_column(i), {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)}});
  }
}

Value RowReader::convert_kept(size_t column, std::string_view kept) const {
  auto* value = static_cast<varlena*>(palloc(VARHDRSZ + kept.size()));
  SET_VARSIZE(value, VARHDRSZ + kept.size());
  memcpy(VARDATA(value), kept.data(), kept.size());
  return columns_[column].converter->to_value(PointerGetDatum(value));
}

}  // namespace brigade
