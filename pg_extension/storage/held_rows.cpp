#include "storage/held_rows.h"

#include <cstring>

#include "pg/spi.h"

namespace brigade {

namespace {

HeldRow read_held_row(const pg::Rows& rows, size_t row) {
  return {rows.bigint(row, 2), static_cast<uint32_t>(rows.bigint(row, 3)),
          std::string(rows.bytes(row, 4)), std::string(rows.bytes(row, 5))};
}

HeldRows::Key read_key(const pg::Rows& rows, size_t row) {
  HeldRows::Key key{rows.integer(row, 0), {}};
  std::memcpy(key.subkey.data(), rows.uuid(row, 1).data(), key.subkey.size());
  return key;
}

// $1: definitions, $2: the lowest and the highest subkey.
pg::Parameters table_parameters(const TruncateChange& table) {
  const auto [low, high] = subkey_range(table.table);
  const std::vector<std::string_view> range = {view(low), view(high)};
  return pg::Parameters().add(table.definitions).add_uuids(range);
}

}  // namespace

void HeldRows::start(const TruncateChange& table) {
  const pg::SqlScope sql;
  pg::execute(
      "DELETE FROM brigade.held_row"
      " WHERE definition = ANY ($1) AND subkey BETWEEN ($2)[1] AND ($2)[2]",
      table_parameters(table));
  pg::execute(
      "INSERT INTO brigade.held_row"
      " SELECT definition, subkey, bucket, checksum, object_type, object_id FROM ("
      " SELECT DISTINCT ON (o.bucket, o.subkey, o.object_type, o.object_id)"
      " b.definition, o.subkey, o.bucket, o.checksum, o.object_type, o.object_id, o.op"
      " FROM brigade.bucket b JOIN brigade.bucket_op o ON o.bucket = b.id"
      " WHERE b.definition = ANY ($1) AND o.subkey BETWEEN ($2)[1] AND ($2)[2]"
      " ORDER BY o.bucket, o.subkey, o.object_type, o.object_id, o.op_id DESC) newest"
      " WHERE op = 'P'",
      table_parameters(table));
  // What is remembered may be from before the table's old rows were in the WAL for a while.
  pg::execute(
      "DELETE FROM brigade.row_membership"
      " WHERE definition = ANY ($1) AND subkey BETWEEN ($2)[1] AND ($2)[2]",
      table_parameters(table));
  pg::execute(
      "INSERT INTO brigade.held_row SELECT DISTINCT definition, subkey, 0::bigint, 0::bigint,"
      " '', '' FROM brigade.lookup"
      " WHERE definition = ANY ($1) AND subkey BETWEEN ($2)[1] AND ($2)[2]",
      table_parameters(table));
}

std::optional<SubkeySet> HeldRows::subkeys(const TruncateChange& table, size_t count_max) {
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT definition, subkey FROM brigade.held_row"
      " WHERE definition = ANY ($1) AND subkey BETWEEN ($2)[1] AND ($2)[2] LIMIT $3 + 1",
      table_parameters(table).add(static_cast<int64_t>(count_max)));
  if (rows.size() > count_max) return std::nullopt;
  SubkeySet subkeys;
  for (size_t i = 0; i < rows.size(); i++) subkeys.insert(read_key(rows, i).subkey);
  return subkeys;
}

bool HeldRows::table_is_empty() {
  if (!empty_) {
    const pg::SqlScope sql;
    empty_ = !pg::execute("SELECT EXISTS (SELECT FROM brigade.held_row)").boolean(0, 0);
  }
  return *empty_;
}

void HeldRows::load(const std::vector<Key>& keys) {
  if (keys.empty() || table_is_empty()) return;
  std::vector<int32_t> definitions;
  std::vector<std::string_view> subkeys;
  for (const Key& key : keys) {
    if (!rows_.try_emplace(key).second) continue;
    definitions.push_back(key.definition);
    subkeys.push_back(view(key.subkey));
  }
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT h.definition, h.subkey, h.bucket, h.checksum, h.object_type, h.object_id"
      " FROM unnest($1, $2) AS wanted (definition, subkey)"
      " JOIN brigade.held_row h USING (definition, subkey)",
      pg::Parameters().add(definitions).add_uuids(subkeys));
  for (size_t i = 0; i < rows.size(); i++) {
    const HeldRow row = read_held_row(rows, i);
    if (row.bucket != lookup_bucket) {
      rows_[read_key(rows, i)].push_back(row);
    }
  }
}

const std::vector<HeldRow>& HeldRows::rows(const Key& key) const {
  static const std::vector<HeldRow> none;
  const auto entry = rows_.find(key);
  return entry == rows_.end() ? none : entry->second;
}

void HeldRows::forget(const Key& key) {
  if (table_is_empty()) return;
  rows_[key].clear();
  forgotten_.push_back(key);
}

void HeldRows::flush() {
  std::vector<int32_t> definitions;
  std::vector<std::string_view> subkeys;
  for (const Key& key : forgotten_) {
    definitions.push_back(key.definition);
    subkeys.push_back(view(key.subkey));
  }
  if (!definitions.empty()) {
    const pg::SqlScope sql;
    pg::execute(
        "DELETE FROM brigade.held_row h USING unnest($1, $2) AS said (definition, subkey)"
        " WHERE h.definition = said.definition AND h.subkey = said.subkey",
        pg::Parameters().add(definitions).add_uuids(subkeys));
  }
  forgotten_.clear();
  rows_.clear();
  empty_.reset();
}

void HeldRows::forget_table(const TruncateChange& table) {
  const pg::SqlScope sql;
  pg::execute(
      "DELETE FROM brigade.held_row"
      " WHERE definition = ANY ($1) AND subkey BETWEEN ($2)[1] AND ($2)[2]",
      table_parameters(table));
}

void HeldRows::take_unseen(const TruncateChange& table, const UseUnseen& use) {
  const pg::SqlScope sql;
  pg::execute_in_parts(
      "SELECT definition, subkey, bucket, checksum, object_type, object_id FROM brigade.held_row"
      " WHERE definition = ANY ($1) AND subkey BETWEEN ($2)[1] AND ($2)[2]",
      table_parameters(table), [&](const pg::Rows& rows) {
        std::vector<Unseen> unseen;
        for (size_t i = 0; i < rows.size(); i++) {
          unseen.push_back({read_key(rows, i), read_held_row(rows, i)});
        }
        use(unseen);
      });
  forget_table(table);
}

}  // namespace brigade
