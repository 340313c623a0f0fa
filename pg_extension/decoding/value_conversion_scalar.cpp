#include <charconv>

#include "decoding/output_settings.h"
#include "decoding/value_conversion.h"
#include "pg/compatibility.h"

extern "C" {
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/uuid.h"
}

namespace brigade {

namespace {

// ---- Text
// ----------------------------------------------------------------------------------------

// Databases with encoding SQL_ASCII hold bytes that nobody checked. What is not UTF-8 becomes
// U+FFFD, rather than stopping replication.
Value replace_invalid_utf8(std::string_view text) {
  StringInfoData target;
  initStringInfo(&target);
  const auto* next = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* end = next + text.size();
  while (next < end) {
    const int size = pg_utf_mblen(next);
    if (size <= end - next && pg_utf8_islegal(next, size)) {
      appendBinaryStringInfo(&target, reinterpret_cast<const char*>(next), size);
      next += size;
    } else {
      appendStringInfoString(&target, "\xEF\xBF\xBD");
      next++;
    }
  }
  return text_of(target);
}

Value recoded_value(std::string_view text) {
  if (GetDatabaseEncoding() == PG_SQL_ASCII) return replace_invalid_utf8(text);
  const char* recoded = pg_server_to_any(text.data(), static_cast<int>(text.size()), PG_UTF8);
  // A text that needs no change is returned as it is, without a terminating zero.
  return Value::of_text(recoded == text.data() ? text : std::string_view(recoded));
}

std::string_view bytes_of(Datum datum) {
  const varlena* value = PG_DETOAST_DATUM_PACKED(datum);
  return {VARDATA_ANY(value), static_cast<size_t>(VARSIZE_ANY_EXHDR(value))};
}

Value text_value(Datum datum) { return utf8_value(bytes_of(datum)); }

Value name_value(Datum datum) { return utf8_value(NameStr(*DatumGetName(datum))); }

// "char" is a byte. Outside ASCII it has the form Postgres 16 gave it, since a byte alone is not
// UTF-8.
Value char_value(Datum datum) {
  const auto byte = static_cast<unsigned char>(DatumGetChar(datum));
  if (byte == 0) return Value::of_text("");
  auto* text = static_cast<char*>(palloc(4));
  if (!IS_HIGHBIT_SET(byte)) {
    text[0] = static_cast<char>(byte);
    return Value::of_text({text, 1});
  }
  text[0] = '\\';
  for (int i = 1; i <= 3; i++) text[i] = static_cast<char>('0' + ((byte >> (9 - 3 * i)) & 7));
  return Value::of_text({text, 4});
}

Value uuid_value(Datum datum) {
  constexpr char digits[] = "0123456789abcdef";
  const pg_uuid_t* uuid = DatumGetUUIDP(datum);
  auto* text = static_cast<char*>(palloc(2 * UUID_LEN + 4));
  char* end = text;
  for (int i = 0; i < UUID_LEN; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *end++ = '-';
    *end++ = digits[uuid->data[i] >> 4];
    *end++ = digits[uuid->data[i] & 0xf];
  }
  return Value::of_text({text, static_cast<size_t>(end - text)});
}

// With all digits, so that texts are in the order of the positions.
Value lsn_value(Datum datum) {
  const XLogRecPtr position = DatumGetLSN(datum);
  return Value::of_text(
      psprintf("%08X/%08X", static_cast<uint32>(position >> 32), static_cast<uint32>(position)));
}

Value jsonb_value(Datum datum) {
  Jsonb* jsonb = DatumGetJsonbP(datum);
  StringInfoData text;
  initStringInfo(&text);
  JsonbToCString(&text, &jsonb->root, VARSIZE(jsonb));
  return utf8_value({text.data, static_cast<size_t>(text.len)});
}

// ---- Numbers and blobs
// ---------------------------------------------------------------------------

Value bool_value(Datum datum) { return Value::of_integer(DatumGetBool(datum) ? 1 : 0); }
Value int2_value(Datum datum) { return Value::of_integer(DatumGetInt16(datum)); }
Value int4_value(Datum datum) { return Value::of_integer(DatumGetInt32(datum)); }
Value int8_value(Datum datum) { return Value::of_integer(DatumGetInt64(datum)); }
Value oid_value(Datum datum) { return Value::of_integer(DatumGetObjectId(datum)); }

// Adding zero makes negative zero positive: SQLite does not tell them apart.
Value float8_value(Datum datum) { return Value::of_real(DatumGetFloat8(datum) + 0.0); }

// A float4 is the double with the same shortest digits: 0.1, not 0.10000000149011612.
Value float4_value(Datum datum) {
  const float value = DatumGetFloat4(datum);
  double result = value;
  char digits[real_text_size_max];
  const char* end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  std::from_chars(digits, end, result);
  return Value::of_real(result + 0.0);
}

Value bytea_value(Datum datum) { return Value::of_blob(bytes_of(datum)); }

// ---- Converters
// ----------------------------------------------------------------------------------

template <Value (*convert)(Datum)>
class FunctionConverter final : public ScalarConverter {
 public:
  Value to_value(Datum datum) const override { return convert(datum); }
};

// JSON stays JSON when it is part of an array or composite.
template <Value (*convert)(Datum)>
class JsonConverter final : public ValueConverter {
 public:
  Value to_value(Datum datum) const override { return convert(datum); }
  void append_json(Datum datum, StringInfo target) const override {
    append_text(target, convert(datum).view());
  }
};

class OutputConverter final : public ScalarConverter {
 public:
  explicit OutputConverter(Oid function) { fmgr_info(function, &function_); }

  Value to_value(Datum datum) const override {
    require_output_settings();
    // The function keeps its caches in the struct, which is not a change of this object.
    return utf8_value(OutputFunctionCall(const_cast<FmgrInfo*>(&function_), datum));
  }

 private:
  FmgrInfo function_;
};

}  // namespace

Value utf8_value(std::string_view text) {
  return GetDatabaseEncoding() == PG_UTF8 ? Value::of_text(text) : recoded_value(text);
}

void append_value_json(const Value& value, StringInfo target) {
  StringInfoSink sink{target};
  switch (value.kind) {
    case ValueKind::integer:
      appendStringInfo(target, INT64_FORMAT, value.integer);
      break;
    case ValueKind::real:
      append_json_real(sink, value.real);
      break;
    case ValueKind::text:
      append_json_string(sink, value.view());
      break;
    default:
      append_text(target, "null");
  }
}

void ScalarConverter::append_json(Datum datum, StringInfo target) const {
  append_value_json(to_value(datum), target);
}

const ValueConverter* create_scalar_converter(Oid type) {
  switch (type) {
    case BOOLOID:
      return create_in_context<FunctionConverter<bool_value>>();
    case INT2OID:
      return create_in_context<FunctionConverter<int2_value>>();
    case INT4OID:
      return create_in_context<FunctionConverter<int4_value>>();
    case INT8OID:
      return create_in_context<FunctionConverter<int8_value>>();
    case OIDOID:
      return create_in_context<FunctionConverter<oid_value>>();
    case FLOAT4OID:
      return create_in_context<FunctionConverter<float4_value>>();
    case FLOAT8OID:
      return create_in_context<FunctionConverter<float8_value>>();
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
      return create_in_context<FunctionConverter<text_value>>();
    case NAMEOID:
      return create_in_context<FunctionConverter<name_value>>();
    case CHAROID:
      return create_in_context<FunctionConverter<char_value>>();
    case UUIDOID:
      return create_in_context<FunctionConverter<uuid_value>>();
    case PG_LSNOID:
      return create_in_context<FunctionConverter<lsn_value>>();
    case BYTEAOID:
      return create_in_context<FunctionConverter<bytea_value>>();
    case JSONOID:
      return create_in_context<JsonConverter<text_value>>();
    case JSONBOID:
      return create_in_context<JsonConverter<jsonb_value>>();
    default:
      return nullptr;
  }
}

const ValueConverter* create_output_converter(Oid type) {
  Oid function = InvalidOid;
  bool variable_length = false;
  getTypeOutputInfo(type, &function, &variable_length);
  return create_in_context<OutputConverter>(function);
}

}  // namespace brigade
