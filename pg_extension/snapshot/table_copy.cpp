#include "snapshot/table_copy.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "decoding/subkey.h"
#include "pg/spi.h"
#include "storage/subkey_scan.h"

namespace brigade {

namespace {

// As they are in the table.
constexpr std::array phases = {"waiting", "gathering", "copying", "removing"};
constexpr std::array steps = {"held rows", "memberships", "lookups", "operations"};

template <typename Value>
Value find_name(const auto& names, std::string_view name) {
  return static_cast<Value>(std::ranges::find(names, name) - names.begin());
}

template <typename Value>
std::string_view name_of(const auto& names, Value value) {
  return names[static_cast<size_t>(value)];
}

GatheringPosition read_gathering(const pg::Rows& rows, size_t row, int column) {
  GatheringPosition position;
  position.step = find_name<GatheringStep>(steps, rows.bytes(row, column));
  position.read_commit = rows.bigint(row, column + 1);
  position.read_op = rows.bigint(row, column + 2);
  position.pass_commit = rows.bigint(row, column + 3);
  position.pass_op = rows.bigint(row, column + 4);
  position.bucket = rows.bigint(row, column + 5);
  position.bucket_op = rows.bigint(row, column + 6);
  position.held = rows.bigint(row, column + 7);
  return position;
}

TableCopy read_copy(const pg::Rows& rows, size_t row) {
  TableCopy copy;
  copy.id = rows.bigint(row, 0);
  copy.relation = static_cast<uint32_t>(rows.bigint(row, 1));
  copy.table_name = rows.bytes(row, 2);
  copy.definitions = rows.integers(row, 3);
  copy.file_node = static_cast<uint32_t>(rows.bigint(row, 4));
  copy.next = {static_cast<uint32_t>(rows.bigint(row, 5)),
               static_cast<uint16_t>(rows.integer(row, 6))};
  copy.row_count = rows.bigint(row, 7);
  copy.phase = find_name<CopyPhase>(phases, rows.bytes(row, 8));
  std::memcpy(copy.next_subkey.data(), rows.uuid(row, 9).data(), copy.next_subkey.size());
  copy.gathering = read_gathering(rows, row, 10);
  copy.since = {rows.bigint(row, 18), rows.bigint(row, 19)};
  return copy;
}

}  // namespace

TruncateChange TableCopy::target() const { return {definitions, table_prefix(table_name)}; }

void enqueue_copy(uint32_t relation, const std::string& table_name, const std::string& reason,
                  const std::vector<int32_t>& definitions, const StoredUntil& since) {
  const pg::SqlScope sql;
  pg::execute(
      "INSERT INTO brigade.table_copy"
      " (relation, table_name, reason, definitions, since_commit, since_op)"
      " VALUES ($1::oid, $2, $3, $4, $5, $6)",
      pg::Parameters()
          .add(static_cast<int64_t>(relation))
          .add(table_name)
          .add(reason)
          .add(definitions)
          .add(since.commit)
          .add(since.op));
}

std::vector<TableCopy> load_copies() {
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT id, relation::bigint, table_name, definitions, coalesce(file_node, 0), next_block,"
      " next_offset, row_count, phase, next_subkey, step, read_commit, read_op, pass_commit,"
      " pass_op, bucket, bucket_op, held, since_commit, since_op"
      " FROM brigade.table_copy ORDER BY id");
  std::vector<TableCopy> copies;
  for (size_t row = 0; row < rows.size(); row++) copies.push_back(read_copy(rows, row));
  return copies;
}

void start_gathering(TableCopy& copy) {
  copy.phase = CopyPhase::gathering;
  copy.gathering = {};
  copy.gathering.read_commit = copy.gathering.pass_commit = copy.since.commit;
  copy.gathering.read_op = copy.gathering.pass_op = copy.since.op;
  copy.next_subkey = first_subkey(copy.target());
  copy.next = {};
  copy.row_count = 0;
  const pg::SqlScope sql;
  pg::execute(
      "UPDATE brigade.table_copy SET file_node = NULL, block_count = NULL, started_at = NULL"
      " WHERE id = $1",
      pg::Parameters().add(copy.id));
}

void start_copy(TableCopy& copy, const pg::OpenTable& table) {
  copy.phase = CopyPhase::copying;
  copy.file_node = table.file_node();
  copy.next = {};
  copy.row_count = 0;
  const pg::SqlScope sql;
  pg::execute(
      "UPDATE brigade.table_copy SET file_node = $2, block_count = $3, started_at = now()"
      " WHERE id = $1",
      pg::Parameters()
          .add(copy.id)
          .add(static_cast<int64_t>(copy.file_node))
          .add(table.block_count()));
  store_progress(copy);
}

void start_removing(TableCopy& copy) {
  copy.phase = CopyPhase::removing;
  copy.next_subkey = first_subkey(copy.target());
}

void store_progress(const TableCopy& copy) {
  const GatheringPosition& gathering = copy.gathering;
  const std::vector<std::string_view> next_subkey = {view(copy.next_subkey)};
  const pg::SqlScope sql;
  pg::execute(
      "UPDATE brigade.table_copy SET next_block = $2, next_offset = $3, row_count = $4,"
      " phase = $5, next_subkey = ($6)[1], step = $7, read_commit = $8, read_op = $9,"
      " pass_commit = $10, pass_op = $11, bucket = $12, bucket_op = $13, held = $14,"
      " started_at = CASE WHEN phase = 'copying' AND row_count = 0 THEN now() ELSE started_at END"
      " WHERE id = $1",
      pg::Parameters()
          .add(copy.id)
          .add(static_cast<int64_t>(copy.next.block))
          .add(static_cast<int32_t>(copy.next.offset))
          .add(copy.row_count)
          .add(name_of(phases, copy.phase))
          .add_uuids(next_subkey)
          .add(name_of(steps, gathering.step))
          .add(gathering.read_commit)
          .add(gathering.read_op)
          .add(gathering.pass_commit)
          .add(gathering.pass_op)
          .add(gathering.bucket)
          .add(gathering.bucket_op)
          .add(gathering.held));
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
