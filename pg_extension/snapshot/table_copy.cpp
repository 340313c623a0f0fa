#include "snapshot/table_copy.h"

#include "decoding/subkey.h"
#include "pg/spi.h"
#include "storage/held_rows.h"

namespace brigade {

namespace {

TableCopy read_copy(const pg::Rows& rows, size_t row) {
  TableCopy copy;
  copy.id = rows.bigint(row, 0);
  copy.relation = static_cast<uint32_t>(rows.bigint(row, 1));
  copy.table_name = rows.bytes(row, 2);
  copy.definitions = rows.integers(row, 3);
  copy.started = !rows.is_null(row, 4);
  if (copy.started) copy.file_node = static_cast<uint32_t>(rows.bigint(row, 4));
  copy.next = {static_cast<uint32_t>(rows.bigint(row, 5)),
               static_cast<uint16_t>(rows.integer(row, 6))};
  copy.row_count = rows.bigint(row, 7);
  return copy;
}

}  // namespace

TruncateChange TableCopy::target() const { return {definitions, table_prefix(table_name)}; }

void enqueue_copy(uint32_t relation, const std::string& table_name, const std::string& reason,
                  const std::vector<int32_t>& definitions) {
  const pg::SqlScope sql;
  pg::execute(
      "INSERT INTO brigade.table_copy (relation, table_name, reason, definitions)"
      " VALUES ($1::oid, $2, $3, $4)",
      pg::Parameters()
          .add(static_cast<int64_t>(relation))
          .add(table_name)
          .add(reason)
          .add(definitions));
}

std::vector<TableCopy> load_copies() {
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT id, relation::bigint, table_name, definitions, file_node, next_block, next_offset,"
      " row_count FROM brigade.table_copy ORDER BY id");
  std::vector<TableCopy> copies;
  for (size_t row = 0; row < rows.size(); row++) copies.push_back(read_copy(rows, row));
  return copies;
}

void start_copy(TableCopy& copy, const pg::OpenTable& table) {
  HeldRows::start(copy.target());
  copy.started = true;
  copy.file_node = table.file_node();
  copy.next = {};
  copy.row_count = 0;
  const pg::SqlScope sql;
  pg::execute(
      "UPDATE brigade.table_copy SET file_node = $2, block_count = $3, next_block = 0,"
      " next_offset = 1, row_count = 0, started_at = now() WHERE id = $1",
      pg::Parameters()
          .add(copy.id)
          .add(static_cast<int64_t>(copy.file_node))
          .add(table.block_count()));
}

void store_progress(const TableCopy& copy) {
  const pg::SqlScope sql;
  pg::execute(
      "UPDATE brigade.table_copy SET next_block = $2, next_offset = $3, row_count = $4"
      " WHERE id = $1",
      pg::Parameters()
          .add(copy.id)
          .add(static_cast<int64_t>(copy.next.block))
          .add(static_cast<int32_t>(copy.next.offset))
          .add(copy.row_count));
}

std::string describe_progress(const TableCopy& copy) {
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT format('copying %s: %s rows, %s of %s (%s %%), %s a second, about %s left',"
      " table_name, rows, pg_size_pretty(bytes), pg_size_pretty(bytes_total), per_cent,"
      " rows_per_second, coalesce(date_trunc('second', remaining)::text, 'everything'))"
      " FROM brigade.progress WHERE id = $1",
      pg::Parameters().add(copy.id));
  return std::string(rows.bytes(0, 0));
}

void end_copy(const TableCopy& copy) {
  const pg::SqlScope sql;
  pg::execute("DELETE FROM brigade.table_copy WHERE id = $1", pg::Parameters().add(copy.id));
}

}  // namespace brigade
