#include "decoding/output_settings.h"
#include "decoding/row_reader.h"
#include "pg/error.h"
#include "pg/table_scan.h"
#include "sql_api/table_access.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace brigade {

namespace {

struct Question {
  Oid table;
  ItemPointer row_location;
  ValueOptions options;
  bool from_wal;
};

ValueOptions options_of(int edition, int timestamp_precision) {
  if (edition < 1 || edition > 3) {
    throw pg::Error("22023", "unknown edition " + std::to_string(edition), {},
                    "Use 1, 2 or 3, as in the sync config's config.edition.");
  }
  if (timestamp_precision < 0 || timestamp_precision > 6) {
    throw pg::Error("22023", "timestamp precision " + std::to_string(timestamp_precision) +
                                 " is not between 0 and 6");
  }
  const bool fixed = edition > 1;
  return {fixed, timestamp_precision, fixed};
}

Question question_of(FunctionCallInfo fcinfo) {
  return {PG_GETARG_OID(0), reinterpret_cast<ItemPointer>(PG_GETARG_POINTER(1)),
          options_of(PG_GETARG_INT32(2), PG_GETARG_INT32(3)), PG_GETARG_BOOL(4)};
}

// JSON has no blobs, and no word for a value that did not change: both become objects.
void append_explained(const Value& value, StringInfo target) {
  if (value.kind == ValueKind::blob) {
    append_text(target, "{\"blob\":\"");
    for (const char byte : value.view()) {
      appendStringInfo(target, "%02x", static_cast<unsigned char>(byte));
    }
    append_text(target, "\"}");
  } else if (value.kind == ValueKind::unchanged) {
    append_text(target, "{\"unchanged\":true}");
  } else {
    append_value_json(value, target);
  }
}

text* explain(const RowReader& reader, const Value* row) {
  StringInfoData json;
  initStringInfo(&json);
  for (size_t i = 0; i < reader.column_count(); i++) {
    appendStringInfoChar(&json, i == 0 ? '{' : ',');
    append_value_json(utf8_value(reader.column_name(i)), &json);
    appendStringInfoChar(&json, ':');
    append_explained(row[i], &json);
  }
  appendStringInfoChar(&json, '}');
  const char* text = pg_any_to_server(json.data, json.len, PG_UTF8);
  return cstring_to_text(text);
}

// Null if no visible row is there.
text* explain(const Question& question) {
  const pg::OpenTable table(question.table);
  if (!table.is_open()) {
    throw pg::Error("55P03", "the table is gone, or locked by another session", {},
                    "Try again when the other session has ended its transaction.");
  }
  const Relation relation = table.relation();
  HeapTuple tuple = pg::guard([&] {
    require_readable(relation);
    return fetch_row(relation, question.row_location);
  });
  if (tuple == nullptr) return nullptr;
  const RowReader reader(RelationGetDescr(relation), question.options);
  return pg::guard([&] {
    const int settings = enter_output_settings();
    auto* row = static_cast<Value*>(palloc(sizeof(Value) * (reader.column_count() + 1)));
    reader.read(tuple, RelationGetDescr(relation), question.from_wal, row);
    leave_output_settings(settings);
    return explain(reader, row);
  });
}

}  // namespace

}  // namespace brigade

extern "C" {
PG_FUNCTION_INFO_V1(brigade_explain_values);

PGDLLEXPORT Datum brigade_explain_values(PG_FUNCTION_ARGS) {
  text* json = brigade::pg::edge([&] { return brigade::explain(brigade::question_of(fcinfo)); });
  if (json == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(json);
}
}
