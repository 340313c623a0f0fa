#include "storage/row_memory.h"

#include <algorithm>
#include <cstring>

#include "pg/bulk_insert.h"
#include "pg/spi.h"
#include "storage/hash.h"

namespace brigade {

namespace {

struct KeyColumns {
  std::vector<int32_t> definitions;
  std::vector<std::string_view> subkeys;

  void add(const RowMemory::Key& key) {
    definitions.push_back(key.definition);
    subkeys.push_back(view(key.subkey));
  }
};

RowMemory::Key read_key(const pg::Rows& rows, size_t row) {
  RowMemory::Key key{rows.integer(row, 0), {}};
  std::memcpy(key.subkey.data(), rows.uuid(row, 1).data(), key.subkey.size());
  return key;
}

std::string array_text(std::span<const int64_t> values) {
  std::string text = "{";
  for (const int64_t value : values) {
    if (text.size() > 1) text += ',';
    text += std::to_string(value);
  }
  return text + "}";
}

// Entries of `left` that are not in `right`.
LookupEntries difference(const LookupEntries& left, const LookupEntries& right) {
  LookupEntries entries;
  std::set_difference(left.begin(), left.end(), right.begin(), right.end(),
                      std::inserter(entries, entries.end()));
  return entries;
}

// Lookup entries as columns of a statement.
struct LookupColumns {
  KeyColumns rows;
  std::vector<int64_t> hashes;
  std::vector<std::string_view> keys;
  std::vector<std::string_view> values;

  void add(const RowMemory::Key& row, const std::pair<std::string, std::string>& entry) {
    rows.add(row);
    hashes.push_back(key_hash(row.definition, entry.first));
    keys.push_back(entry.first);
    values.push_back(entry.second);
  }
  pg::Parameters parameters() const {
    pg::Parameters parameters;
    parameters.add(rows.definitions).add_uuids(rows.subkeys).add(hashes).add(keys).add(values);
    return parameters;
  }
};

}  // namespace

std::pair<Subkey, Subkey> subkey_range(const std::array<char, 4>& table) {
  Subkey low{};
  Subkey high;
  high.fill('\xff');
  std::copy(table.begin(), table.end(), low.begin());
  std::copy(table.begin(), table.end(), high.begin());
  return {low, high};
}

bool Membership::operator==(const Membership& other) const {
  return object_type == other.object_type && object_id == other.object_id &&
         std::ranges::equal(buckets, other.buckets);
}

std::strong_ordering RowMemory::Key::operator<=>(const Key& other) const {
  const int order = std::memcmp(subkey.data(), other.subkey.data(), subkey.size());
  return order == 0 ? definition <=> other.definition : order <=> 0;
}

size_t RowMemory::KeyHash::operator()(const Key& key) const {
  return SubkeyHash()(key.subkey) ^ static_cast<size_t>(key.definition);
}

RowMemory::RowMemory() : batch_(std::make_unique<Batch>()) {}

std::span<const int64_t> RowMemory::keep(std::span<const int64_t> buckets) {
  if (buckets.empty()) return {};
  auto* kept =
      static_cast<int64_t*>(batch_->memory.allocate(buckets.size_bytes(), alignof(int64_t)));
  std::ranges::copy(buckets, kept);
  return {kept, buckets.size()};
}

std::string_view RowMemory::keep(std::string_view text) {
  auto* kept = static_cast<char*>(batch_->memory.allocate(text.size(), alignof(char)));
  std::ranges::copy(text, kept);
  return {kept, text.size()};
}

void RowMemory::load_memberships(const std::vector<Key>& keys) {
  KeyColumns columns;
  for (const Key& key : keys) {
    if (batch_->loaded.try_emplace(key).second) columns.add(key);
  }
  if (columns.definitions.empty()) return;
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT m.definition, m.subkey, m.object_type, m.object_id, m.buckets"
      " FROM unnest($1, $2) AS wanted (definition, subkey)"
      " JOIN brigade.row_membership m USING (definition, subkey)",
      pg::Parameters().add(columns.definitions).add_uuids(columns.subkeys));
  for (size_t i = 0; i < rows.size(); i++) {
    Row& row = batch_->loaded[read_key(rows, i)];
    row.stored = {keep(rows.bytes(i, 2)), keep(rows.bytes(i, 3)), keep(rows.bigints(i, 4))};
    row.current = row.stored;
  }
}

void RowMemory::load_lookups(const std::vector<Key>& keys) {
  KeyColumns columns;
  for (const Key& key : keys) {
    if (lookup_rows_.try_emplace(key).second) columns.add(key);
  }
  if (columns.definitions.empty()) return;
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT l.definition, l.subkey, l.key, l.value"
      " FROM unnest($1, $2) AS wanted (definition, subkey)"
      " JOIN brigade.lookup l USING (definition, subkey)",
      pg::Parameters().add(columns.definitions).add_uuids(columns.subkeys));
  for (size_t i = 0; i < rows.size(); i++) {
    LookupRow& row = lookup_rows_[read_key(rows, i)];
    row.stored.emplace(rows.bytes(i, 2), rows.bytes(i, 3));
    row.current = row.stored;
  }
}

void RowMemory::assume_lookups(const Key& key, LookupEntries entries) {
  const auto [row, added] = lookup_rows_.try_emplace(key);
  if (!added) return;
  row->second.current = entries;
  row->second.stored = std::move(entries);
}

Membership RowMemory::membership(const Key& key) const {
  const auto row = batch_->loaded.find(key);
  return row == batch_->loaded.end() ? Membership{} : row->second.current;
}

// A row in no bucket leaves nothing behind, so that equal means nothing to write.
void RowMemory::set_membership(const Key& key, const Membership& membership) {
  const auto row = batch_->loaded.find(key);
  if (row != batch_->loaded.end()) {
    row->second.current = membership.buckets.empty() ? Membership{} : membership;
  } else if (!membership.buckets.empty()) {
    batch_->added.push_back({key, membership});
  }
}

const LookupEntries& RowMemory::lookups(const Key& key) const {
  static const LookupEntries none;
  const auto row = lookup_rows_.find(key);
  return row == lookup_rows_.end() ? none : row->second.current;
}

void RowMemory::set_lookups(const Key& key, LookupEntries entries) {
  lookup_rows_[key].current = std::move(entries);
}

// In the order of the index, so that neighbours are written together. Of a row's entries the last
// counts.
void RowMemory::sort(std::vector<Entry>& entries) {
  std::ranges::stable_sort(entries, {}, &Entry::key);
  const auto same = [](const Entry& one, const Entry& other) { return one.key == other.key; };
  const auto replaced = std::unique(entries.rbegin(), entries.rend(), same);
  entries.erase(entries.begin(), replaced.base());
}

void RowMemory::flush_memberships() {
  std::vector<Entry> gone;
  std::vector<Entry> changed;
  std::vector<Entry>& added = batch_->added;
  for (const auto& [key, row] : batch_->loaded) {
    if (row.current == row.stored) continue;
    if (row.current.buckets.empty()) {
      gone.push_back({key, {}});
    } else {
      (row.stored.buckets.empty() ? added : changed).push_back({key, row.current});
    }
  }
  for (auto* entries : {&gone, &added, &changed}) sort(*entries);
  delete_memberships(gone);
  put_memberships(changed);
  insert_memberships(added);
}

void RowMemory::delete_memberships(std::span<const Entry> gone) {
  if (gone.empty()) return;
  KeyColumns columns;
  for (const Entry& entry : gone) columns.add(entry.key);
  pg::execute(
      "DELETE FROM brigade.row_membership m USING unnest($1, $2) AS gone (definition, subkey)"
      " WHERE m.definition = gone.definition AND m.subkey = gone.subkey",
      pg::Parameters().add(columns.definitions).add_uuids(columns.subkeys));
}

void RowMemory::put_memberships(std::span<const Entry> changed) {
  if (changed.empty()) return;
  KeyColumns columns;
  std::vector<std::string_view> types;
  std::vector<std::string_view> ids;
  // An array of arrays of unequal length does not exist in SQL, so each travels as text.
  std::vector<std::string> bucket_texts;
  for (const Entry& entry : changed) {
    columns.add(entry.key);
    types.push_back(entry.membership.object_type);
    ids.push_back(entry.membership.object_id);
    bucket_texts.push_back(array_text(entry.membership.buckets));
  }
  const std::vector<std::string_view> buckets(bucket_texts.begin(), bucket_texts.end());
  pg::execute(
      "INSERT INTO brigade.row_membership"
      " SELECT definition, subkey, object_type, object_id, buckets::bigint[]"
      " FROM unnest($1, $2, $3, $4, $5)"
      " AS kept (definition, subkey, object_type, object_id, buckets)"
      " ON CONFLICT (definition, subkey) DO UPDATE SET object_type = excluded.object_type,"
      " object_id = excluded.object_id, buckets = excluded.buckets",
      pg::Parameters()
          .add(columns.definitions)
          .add_uuids(columns.subkeys)
          .add(types)
          .add(ids)
          .add(buckets));
}

// Most rows that are inserted are new, and cost little this way. Some are not (their table was
// dropped and made again, say): they replace what was there.
void RowMemory::insert_memberships(std::span<const Entry> added) {
  if (added.empty()) return;
  pg::BulkInsert table("brigade", "row_membership", 5, pg::BulkInsert::OnConflict::report);
  for (const auto& [key, membership] : added) {
    table.integer(key.definition).uuid(view(key.subkey));
    table.text(membership.object_type).text(membership.object_id);
    table.bigints(membership.buckets).end_row();
  }
  table.flush();
  std::vector<Entry> twice;
  for (const uint32_t row : table.conflicts()) twice.push_back(added[row]);
  table.finish();
  delete_memberships(twice);
  put_memberships(twice);
}

void RowMemory::flush_lookups(std::set<int64_t>& dependencies) {
  LookupColumns gone;
  LookupColumns added;
  // The columns hold views, so the differences they point into are kept until the end.
  std::vector<LookupEntries> differences;
  differences.reserve(lookup_rows_.size() * 2);
  for (const auto& [key, row] : lookup_rows_) {
    if (row.current == row.stored) continue;
    differences.push_back(difference(row.stored, row.current));
    for (const auto& entry : differences.back()) gone.add(key, entry);
    differences.push_back(difference(row.current, row.stored));
    for (const auto& entry : differences.back()) added.add(key, entry);
  }
  dependencies.insert(gone.hashes.begin(), gone.hashes.end());
  dependencies.insert(added.hashes.begin(), added.hashes.end());
  if (!gone.hashes.empty()) {
    pg::execute(
        "DELETE FROM brigade.lookup l"
        " USING unnest($1, $2, $3, $4, $5) AS gone (definition, subkey, key_hash, key, value)"
        " WHERE l.definition = gone.definition AND l.subkey = gone.subkey"
        " AND l.key_hash = gone.key_hash AND l.key = gone.key AND l.value = gone.value",
        gone.parameters());
  }
  if (added.hashes.empty()) return;
  pg::execute(
      "INSERT INTO brigade.lookup (definition, subkey, key_hash, key, value)"
      " SELECT * FROM unnest($1, $2, $3, $4, $5)",
      added.parameters());
}

void RowMemory::flush(std::set<int64_t>& dependencies) {
  const pg::SqlScope sql;
  flush_memberships();
  if (!lookup_rows_.empty()) flush_lookups(dependencies);
  batch_ = std::make_unique<Batch>();
  lookup_rows_.clear();
}

void RowMemory::forget_table(const TruncateChange& truncate, std::set<int64_t>& dependencies) {
  const auto [low, high] = subkey_range(truncate.table);
  const std::vector<std::string_view> range = {view(low), view(high)};
  const pg::SqlScope sql;
  const auto parameters = [&] {
    return pg::Parameters().add(truncate.definitions).add_uuids(range);
  };
  pg::execute(
      "DELETE FROM brigade.row_membership"
      " WHERE definition = ANY ($1) AND subkey BETWEEN ($2)[1] AND ($2)[2]",
      parameters());
  const pg::Rows gone = pg::execute(
      "WITH gone AS (DELETE FROM brigade.lookup"
      " WHERE definition = ANY ($1) AND subkey BETWEEN ($2)[1] AND ($2)[2] RETURNING key_hash)"
      " SELECT DISTINCT key_hash FROM gone LIMIT $3 + 1",
      parameters().add(static_cast<int64_t>(dependencies_max)));
  for (size_t i = 0; i < gone.size(); i++) dependencies.insert(gone.bigint(i, 0));
}

}  // namespace brigade
