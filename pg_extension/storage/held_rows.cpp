#include "storage/held_rows.h"

#include <cstring>

#include "pg/spi.h"
#include "pg/transaction.h"
#include "storage/subkey_scan.h"

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

HeldRow read_held_row(const pg::IndexLookup& row) {
  return {row.bigint(2), static_cast<uint32_t>(row.bigint(3)), std::string(row.text(4)),
          std::string(row.text(5))};
}

}  // namespace

std::optional<SubkeySet> HeldRows::subkeys(const TruncateChange& table, size_t count_max) {
  const pg::SnapshotWithOwnWrites now;
  SubkeySet subkeys;
  SubkeyScan rows(SubkeyScan::held_row, table);
  // Entries of rows that are gone take time too.
  for (size_t entries = 0; rows.next_entry(); entries++) {
    if (subkeys.size() == count_max || entries == 4 * count_max) return std::nullopt;
    if (rows.is_wanted()) subkeys.insert(rows.subkey());
  }
  return subkeys;
}

void HeldRows::load(const std::vector<Key>& keys) {
  if (keys.empty()) return;
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
}

void HeldRows::forget_table(const TruncateChange& table) {
  const pg::SqlScope sql;
  pg::execute(
      "DELETE FROM brigade.held_row"
      " WHERE definition = ANY ($1) AND subkey BETWEEN ($2)[1] AND ($2)[2]",
      table_parameters(table));
}

std::vector<HeldRows::Unseen> HeldRows::take_unseen(const TruncateChange& table, int64_t count,
                                                    std::optional<Subkey>& next) {
  const pg::SnapshotWithOwnWrites now;
  std::vector<Unseen> unseen;
  next = visit_part(SubkeyScan::held_row, table, *next, count, [&](SubkeyScan& row) {
    unseen.push_back({{row.definition(), row.subkey()}, read_held_row(row.columns())});
    row.remove();
  });
  return unseen;
}

}  // namespace brigade
