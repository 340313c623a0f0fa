#include "pg/spi.h"

#include <exception>
#include <unordered_map>

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/pg_lsn.h"
#include "utils/uuid.h"
}

namespace brigade::pg {

// ---- parameters

Parameters& Parameters::append(uint32_t type, uintptr_t datum, bool null) {
  types_.push_back(type);
  values_.push_back(datum);
  nulls_.push_back(null ? 'n' : ' ');
  return *this;
}

Parameters& Parameters::add(int32_t value) { return append(INT4OID, Int32GetDatum(value)); }
Parameters& Parameters::add(int64_t value) { return append(INT8OID, Int64GetDatum(value)); }
Parameters& Parameters::add(bool value) { return append(BOOLOID, BoolGetDatum(value)); }
Parameters& Parameters::add_lsn(uint64_t lsn) { return append(PG_LSNOID, LSNGetDatum(lsn)); }
Parameters& Parameters::add_null(uint32_t type) { return append(type, 0, true); }

Parameters& Parameters::add(std::string_view text) {
  return append(TEXTOID, guard([&] {
                  return PointerGetDatum(
                      cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
                }));
}

Parameters& Parameters::add(std::span<const int64_t> values) {
  static_assert(sizeof(Datum) == sizeof(int64_t), "8-byte Datum");
  auto* datums = reinterpret_cast<Datum*>(const_cast<int64_t*>(values.data()));
  return append(
      INT8ARRAYOID, guard([&] {
        return PointerGetDatum(construct_array(datums, static_cast<int>(values.size()), INT8OID,
                                               sizeof(int64_t), true, TYPALIGN_DOUBLE));
      }));
}

Parameters& Parameters::add(std::span<const int32_t> values) {
  return append(
      INT4ARRAYOID, guard([&] {
        auto* datums = static_cast<Datum*>(palloc(sizeof(Datum) * (values.size() + 1)));
        for (size_t i = 0; i < values.size(); i++) datums[i] = Int32GetDatum(values[i]);
        return PointerGetDatum(construct_array(datums, static_cast<int>(values.size()), INT4OID,
                                               sizeof(int32_t), true, TYPALIGN_INT));
      }));
}

namespace {

// An array of varlena elements; a view without data is NULL.
Datum blob_array(Oid element_type, std::span<const std::string_view> blobs) {
  const int count = static_cast<int>(blobs.size());
  auto* datums = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
  auto* nulls = static_cast<bool*>(palloc(sizeof(bool) * (count + 1)));
  for (int i = 0; i < count; i++) {
    nulls[i] = blobs[i].data() == nullptr;
    if (!nulls[i]) {
      datums[i] = PointerGetDatum(
          cstring_to_text_with_len(blobs[i].data(), static_cast<int>(blobs[i].size())));
    }
  }
  int lower_bound = 1;
  int dimension = count;
  return PointerGetDatum(construct_md_array(datums, nulls, 1, &dimension, &lower_bound,
                                            element_type, -1, false, TYPALIGN_INT));
}

}  // namespace

Parameters& Parameters::append_blobs(uint32_t element_type,
                                     std::span<const std::string_view> blobs) {
  const Oid array_type = element_type == BYTEAOID ? BYTEAARRAYOID : TEXTARRAYOID;
  return append(array_type, guard([&] { return blob_array(element_type, blobs); }));
}

Parameters& Parameters::add(std::span<const std::string_view> texts) {
  return append_blobs(TEXTOID, texts);
}

Parameters& Parameters::add_blobs(std::span<const std::string_view> blobs) {
  return append_blobs(BYTEAOID, blobs);
}

Parameters& Parameters::add_uuids(std::span<const std::string_view> uuids) {
  return append(UUIDARRAYOID, guard([&] {
                  const int count = static_cast<int>(uuids.size());
                  auto* datums = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
                  for (int i = 0; i < count; i++) datums[i] = PointerGetDatum(uuids[i].data());
                  return PointerGetDatum(
                      construct_array(datums, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
                }));
}

// ---- results

uintptr_t Rows::datum(size_t row, int column, bool* null) const {
  auto* table = static_cast<SPITupleTable*>(table_);
  // Deforming a tuple that SPI already formed raises nothing.
  return SPI_getbinval(table->vals[row], table->tupdesc, column + 1, null);
}

uintptr_t Rows::datum_not_null(size_t row, int column) const {
  bool null = false;
  const Datum value = datum(row, column, &null);
  if (null) throw Error("22004", "unexpected null in column " + std::to_string(column));
  return value;
}

bool Rows::is_null(size_t row, int column) const {
  bool null = false;
  datum(row, column, &null);
  return null;
}

int32_t Rows::integer(size_t row, int column) const {
  return DatumGetInt32(datum_not_null(row, column));
}
int64_t Rows::bigint(size_t row, int column) const {
  return DatumGetInt64(datum_not_null(row, column));
}
bool Rows::boolean(size_t row, int column) const {
  return DatumGetBool(datum_not_null(row, column));
}
uint64_t Rows::lsn(size_t row, int column) const {
  return DatumGetLSN(datum_not_null(row, column));
}

std::string_view Rows::bytes(size_t row, int column) const {
  const Datum value = datum_not_null(row, column);
  auto* text = guard([&] { return PG_DETOAST_DATUM_PACKED(value); });
  return {VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text)};
}

std::string_view Rows::uuid(size_t row, int column) const {
  return {reinterpret_cast<const char*>(DatumGetUUIDP(datum_not_null(row, column))->data),
          UUID_LEN};
}

namespace {

// REQUIRES: a one-dimensional array without nulls of `element_type`.
std::span<Datum> array_elements(Datum array, Oid element_type, int16 size) {
  Datum* elements = nullptr;
  int count = 0;
  guard([&] {
    deconstruct_array(DatumGetArrayTypeP(array), element_type, size, size > 0,
                      size == 8 ? TYPALIGN_DOUBLE : TYPALIGN_INT, &elements, nullptr, &count);
  });
  return {elements, static_cast<size_t>(count)};
}

}  // namespace

std::vector<int64_t> Rows::bigints(size_t row, int column) const {
  std::vector<int64_t> values;
  for (const Datum element : array_elements(datum_not_null(row, column), INT8OID, 8)) {
    values.push_back(DatumGetInt64(element));
  }
  return values;
}

std::vector<std::string> Rows::texts(size_t row, int column) const {
  std::vector<std::string> values;
  for (const Datum element : array_elements(datum_not_null(row, column), TEXTOID, -1)) {
    const char* characters = guard([&] { return text_to_cstring(DatumGetTextPP(element)); });
    values.emplace_back(characters);
  }
  return values;
}

std::vector<int32_t> Rows::integers(size_t row, int column) const {
  std::vector<int32_t> values;
  for (const Datum element : array_elements(datum_not_null(row, column), INT4OID, 4)) {
    values.push_back(DatumGetInt32(element));
  }
  return values;
}

// ---- statements

SqlScope::SqlScope() : exceptions_(std::uncaught_exceptions()) {
  guard([] { SPI_connect(); });
}

SqlScope::~SqlScope() {
  // After an ERROR the transaction's abort cleans SPI up; SPI_finish must not run then.
  if (std::uncaught_exceptions() == exceptions_) SPI_finish();
}

class Statement {
 public:
  static Rows run(const char* sql, const Parameters& parameters, bool read_only) {
    SPIPlanPtr plan = kept_plan(sql, parameters);
    const int code = guard([&] {
      return SPI_execute_plan(plan, const_cast<Datum*>(parameters.values_.data()),
                              parameters.nulls_.c_str(), read_only, 0);
    });
    if (code < 0) throw Error("XX000", std::string("SPI: ") + SPI_result_code_string(code));
    return result();
  }

  static void run_in_parts(const char* sql, const Parameters& parameters,
                           const std::function<void(const Rows&)>& use) {
    SPIPlanPtr plan = kept_plan(sql, parameters);
    const Portal portal = guard([&] {
      return SPI_cursor_open(nullptr, plan, const_cast<Datum*>(parameters.values_.data()),
                             parameters.nulls_.c_str(), false);
    });
    for (;;) {
      const SqlScope part;
      guard([&] { SPI_cursor_fetch(portal, true, rows_of_part); });
      const Rows rows = result();
      if (rows.empty()) break;
      use(rows);
    }
    guard([&] { SPI_cursor_close(portal); });
  }

 private:
  static constexpr long rows_of_part = 4000;

  static Rows result() {
    Rows rows;
    rows.table_ = SPI_tuptable;
    rows.size_ = SPI_tuptable == nullptr ? 0 : SPI_processed;
    return rows;
  }

  static SPIPlanPtr kept_plan(const char* sql, const Parameters& parameters) {
    static std::unordered_map<const char*, SPIPlanPtr> plans;
    SPIPlanPtr& plan = plans[sql];
    if (plan == nullptr) {
      plan = guard([&] { return prepare(sql, parameters); });
    }
    return plan;
  }

  static SPIPlanPtr prepare(const char* sql, const Parameters& parameters) {
    SPIPlanPtr plan = SPI_prepare(sql, static_cast<int>(parameters.types_.size()),
                                  const_cast<Oid*>(parameters.types_.data()));
    if (plan == nullptr) {
      elog(ERROR, "SPI_prepare: %s", SPI_result_code_string(SPI_result));
    }
    SPI_keepplan(plan);
    return plan;
  }
};

Rows execute(const char* sql, const Parameters& parameters) {
  return Statement::run(sql, parameters, false);
}

void execute_in_parts(const char* sql, const Parameters& parameters,
                      const std::function<void(const Rows&)>& use) {
  Statement::run_in_parts(sql, parameters, use);
}

Rows query(const char* sql, const Parameters& parameters) {
  return Statement::run(sql, parameters, true);
}

}  // namespace brigade::pg
