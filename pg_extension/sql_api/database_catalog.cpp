#include "sql_api/database_catalog.h"

#include "pg/spi.h"

namespace brigade {

namespace {

// Of the temporary tables only the session's own: names of others' mean nothing here. A key whose
// check is deferrable identifies no row in the WAL.
constexpr const char* tables_statement =
    "SELECT n.nspname::text, c.relname::text, CASE"
    "  WHEN n.nspname IN ('pg_catalog', 'information_schema', 'brigade') THEN 's'"
    "  WHEN c.relpersistence = 't' THEN 't' WHEN c.relkind <> 'r' THEN c.relkind::text"
    "  WHEN c.relpersistence = 'u' THEN 'u' ELSE 'r' END,"
    " coalesce(key.is_primary, false),"
    " c.relreplident = 'f' OR c.relreplident = 'd' AND coalesce(key.is_primary, false)"
    "  OR c.relreplident = 'i' AND coalesce(key.is_identity, false),"
    " ARRAY(SELECT attname::text FROM pg_catalog.pg_attribute"
    "  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum),"
    " ARRAY(SELECT unnest(ARRAY[an.nspname::text, a.relname::text])"
    "  FROM pg_catalog.pg_partition_ancestors(c.oid) AS up (relid)"
    "  JOIN pg_catalog.pg_class a ON a.oid = up.relid"
    "  JOIN pg_catalog.pg_namespace an ON an.oid = a.relnamespace"
    "  WHERE c.relispartition AND a.oid <> c.oid),"
    " CASE WHEN c.relkind = 'r' AND c.reltuples >= 0 THEN c.reltuples::bigint END,"
    " ARRAY(SELECT CASE WHEN atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype,"
    "   'float4'::regtype, 'float8'::regtype) THEN 'n' WHEN atttypid = 'bool'::regtype THEN 'l'"
    "  WHEN atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype,"
    "   'uuid'::regtype) THEN 't'"
    "  WHEN atttypid = 'bytea'::regtype THEN 'b' ELSE '' END FROM pg_catalog.pg_attribute"
    "  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN LATERAL (SELECT bool_or(indisprimary) AS is_primary,"
    "   bool_or(indisreplident) AS is_identity"
    "  FROM pg_catalog.pg_index WHERE indrelid = c.oid AND indimmediate AND indisvalid) key ON true"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"
    " AND (c.relpersistence <> 't' OR n.oid = pg_catalog.pg_my_temp_schema())"
    " ORDER BY n.nspname, c.relname";

SourceTable::Kind kind_of(char kind) {
  switch (kind) {
    case 's':
      return SourceTable::Kind::system;
    case 't':
      return SourceTable::Kind::temporary;
    case 'u':
      return SourceTable::Kind::unlogged;
    case 'p':
      return SourceTable::Kind::partitioned;
    case 'v':
      return SourceTable::Kind::view;
    case 'm':
      return SourceTable::Kind::materialized_view;
    case 'f':
      return SourceTable::Kind::foreign_table;
    default:
      return SourceTable::Kind::table;
  }
}

ValueClass class_of(const std::string& code) {
  if (code == "n") return ValueClass::number;
  if (code == "t") return ValueClass::text;
  if (code == "l") return ValueClass::boolean;
  return code == "b" ? ValueClass::binary : ValueClass::other;
}

SourceTable read_table(const pg::Rows& rows, size_t row) {
  SourceTable table;
  table.name = {std::string(rows.bytes(row, 0)), std::string(rows.bytes(row, 1))};
  table.kind = kind_of(rows.bytes(row, 2)[0]);
  table.has_primary_key = rows.boolean(row, 3);
  table.has_replica_identity = rows.boolean(row, 4);
  table.columns = rows.texts(row, 5);
  const std::vector<std::string> ancestors = rows.texts(row, 6);
  for (size_t i = 0; i + 1 < ancestors.size(); i += 2) {
    table.ancestors.push_back({ancestors[i], ancestors[i + 1]});
  }
  for (const std::string& code : rows.texts(row, 8)) {
    table.column_classes.push_back(class_of(code));
  }
  if (!rows.is_null(row, 7)) table.row_estimate = rows.bigint(row, 7);
  return table;
}

}  // namespace

std::vector<SourceTable> DatabaseCatalog::tables() {
  const pg::Rows rows = pg::query(tables_statement);
  std::vector<SourceTable> tables;
  for (size_t row = 0; row < rows.size(); row++) tables.push_back(read_table(rows, row));
  return tables;
}

}  // namespace brigade
