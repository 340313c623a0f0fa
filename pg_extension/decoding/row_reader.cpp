#include "decoding/row_reader.h"

#include "pg/error.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
}

namespace brigade {

RowReader::RowReader(TupleDesc descriptor, const ValueOptions&) {
  for (int i = 0; i < descriptor->natts; i++) {
    const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, i);
    if (attribute->attisdropped) continue;
    Oid output_function = InvalidOid;
    bool variable_length = false;
    pg::guard([&] { getTypeOutputInfo(attribute->atttypid, &output_function, &variable_length); });
    columns_.push_back({i + 1, attribute->atttypid, output_function, variable_length,
                        NameStr(attribute->attname)});
  }
}

std::vector<std::string> RowReader::column_names() const {
  std::vector<std::string> names;
  for (const Column& column : columns_) names.push_back(column.name);
  return names;
}

int RowReader::column_of_attribute(int attribute) const {
  for (size_t i = 0; i < columns_.size(); i++) {
    if (columns_[i].attribute == attribute) return static_cast<int>(i);
  }
  return -1;
}

Value RowReader::convert(const Column& column, Datum datum, bool from_wal) const {
  if (from_wal && column.variable_length && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(datum))) {
    return Value::unchanged();
  }
  switch (column.type) {
    case BOOLOID:
      return Value::of_integer(DatumGetBool(datum) ? 1 : 0);
    case INT2OID:
      return Value::of_integer(DatumGetInt16(datum));
    case INT4OID:
      return Value::of_integer(DatumGetInt32(datum));
    case INT8OID:
      return Value::of_integer(DatumGetInt64(datum));
    case FLOAT8OID:
      return Value::of_real(DatumGetFloat8(datum));
    default:
      return Value::of_text(OidOutputFunctionCall(column.output_function, datum));
  }
}

void RowReader::read(HeapTuple tuple, TupleDesc descriptor, bool from_wal, Value* values) const {
  auto* datums = static_cast<Datum*>(palloc(sizeof(Datum) * descriptor->natts));
  auto* nulls = static_cast<bool*>(palloc(sizeof(bool) * descriptor->natts));
  heap_deform_tuple(tuple, descriptor, datums, nulls);
  for (size_t i = 0; i < columns_.size(); i++) {
    const int attribute = columns_[i].attribute - 1;
    values[i] =
        nulls[attribute] ? Value::null() : convert(columns_[i], datums[attribute], from_wal);
  }
}

}  // namespace brigade
