#include "storage/bucket_cache.h"

#include <algorithm>

#include "pg/spi.h"
#include "storage/hash.h"

namespace brigade {

namespace {

// About 200 bytes each: 100 MB at most.
constexpr size_t cached_buckets_max = 500000;

struct Columns {
  std::vector<int64_t> ids;
  std::vector<int32_t> definitions;
  std::vector<std::string_view> parameters;
  std::vector<int64_t> operations_added;
  std::vector<int64_t> checksums;
  std::vector<int64_t> last_op_ids;
  std::vector<int64_t> key_hashes;

  void add(const BucketState& state) {
    ids.push_back(state.id);
    definitions.push_back(state.definition);
    parameters.push_back(state.parameters);
    operations_added.push_back(state.operations_added);
    checksums.push_back(state.checksum);
    last_op_ids.push_back(state.last_op_id);
    key_hashes.push_back(key_hash(state.definition, state.parameters));
  }
};

BucketState read_state(const pg::Rows& rows, size_t row) {
  BucketState state;
  state.id = rows.bigint(row, 0);
  state.definition = rows.integer(row, 1);
  state.parameters = rows.bytes(row, 2);
  state.checksum = static_cast<uint32_t>(rows.bigint(row, 3));
  state.last_op_id = rows.bigint(row, 4);
  state.stored = true;
  return state;
}

}  // namespace

BucketState& BucketCache::adopt(BucketState state) {
  const int64_t id = state.id;
  const auto [entry, added] =
      by_name_.try_emplace(StoredName{state.definition, state.parameters}, std::move(state));
  by_id_[id] = &entry->second;
  return entry->second;
}

void BucketCache::load(const std::vector<Name>& names) {
  std::vector<int32_t> definitions;
  std::vector<std::string_view> parameters;
  std::vector<int64_t> key_hashes;
  for (const Name& name : names) {
    if (by_name_.contains(name)) continue;
    definitions.push_back(name.first);
    parameters.push_back(name.second);
    key_hashes.push_back(key_hash(name.first, name.second));
  }
  if (definitions.empty()) return;
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT b.id, b.definition, b.parameters, b.checksum, b.last_op_id"
      " FROM (SELECT DISTINCT * FROM unnest($1, $2, $3))"
      " AS wanted (definition, parameters, key_hash)"
      " JOIN brigade.bucket b USING (definition, parameters, key_hash)",
      pg::Parameters().add(definitions).add(parameters).add(key_hashes));
  for (size_t row = 0; row < rows.size(); row++) adopt(read_state(rows, row));
}

void BucketCache::load_ids(const std::vector<int64_t>& ids) {
  std::vector<int64_t> unknown;
  for (const int64_t id : ids) {
    if (!by_id_.contains(id)) unknown.push_back(id);
  }
  if (unknown.empty()) return;
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT id, definition, parameters, checksum, last_op_id"
      " FROM brigade.bucket WHERE id = ANY ($1)",
      pg::Parameters().add(unknown));
  for (size_t row = 0; row < rows.size(); row++) adopt(read_state(rows, row));
}

BucketState* BucketCache::find(const Name& name) {
  const auto entry = by_name_.find(name);
  return entry == by_name_.end() ? nullptr : &entry->second;
}

BucketState* BucketCache::find(int64_t id) {
  const auto entry = by_id_.find(id);
  return entry == by_id_.end() ? nullptr : entry->second;
}

BucketState& BucketCache::find_or_create(const Name& name, Head& head) {
  if (BucketState* state = find(name)) return *state;
  BucketState state;
  state.id = ++head.bucket_id;
  state.definition = name.first;
  state.parameters = name.second;
  return adopt(std::move(state));
}

void BucketCache::mark_changed(BucketState& state) {
  if (state.changed) return;
  state.changed = true;
  changed_.push_back(&state);
}

void BucketCache::insert_new(int64_t commit_id) {
  Columns columns;
  for (const BucketState* state : changed_) {
    if (!state->stored) columns.add(*state);
  }
  if (columns.ids.empty()) return;
  pg::execute(
      "INSERT INTO brigade.bucket (id, definition, parameters, operation_count, checksum,"
      " last_op_id, created_commit, key_hash)"
      " SELECT id, definition, parameters, operation_count, checksum, last_op_id, $7, key_hash"
      " FROM unnest($1, $2, $3, $4, $5, $6, $8)"
      " AS new (id, definition, parameters, operation_count, checksum, last_op_id, key_hash)",
      pg::Parameters()
          .add(columns.ids)
          .add(columns.definitions)
          .add(columns.parameters)
          .add(columns.operations_added)
          .add(columns.checksums)
          .add(columns.last_op_ids)
          .add(commit_id)
          .add(columns.key_hashes));
}

void BucketCache::update_old() {
  Columns columns;
  for (const BucketState* state : changed_) {
    if (state->stored) columns.add(*state);
  }
  if (columns.ids.empty()) return;
  pg::execute(
      "UPDATE brigade.bucket b SET"
      " operation_count = b.operation_count + changed.operations_added,"
      " checksum = changed.checksum, last_op_id = changed.last_op_id"
      " FROM unnest($1, $2, $3, $4) AS changed (id, operations_added, checksum, last_op_id)"
      " WHERE b.id = changed.id",
      pg::Parameters()
          .add(columns.ids)
          .add(columns.operations_added)
          .add(columns.checksums)
          .add(columns.last_op_ids));
}

std::vector<int64_t> BucketCache::store_changed(int64_t commit_id) {
  const pg::SqlScope sql;
  insert_new(commit_id);
  update_old();
  std::vector<int64_t> ids;
  for (BucketState* state : changed_) {
    state->stored = true;
    state->changed = false;
    state->operations_added = 0;
    ids.push_back(state->id);
  }
  changed_.clear();
  std::sort(ids.begin(), ids.end());
  return ids;
}

void BucketCache::trim() {
  if (by_name_.size() <= cached_buckets_max) return;
  by_name_.clear();
  by_id_.clear();
}

}  // namespace brigade
