#include "storage/storage_commit.h"

// How rows leave buckets together: a table that is truncated or gone, and what a copy did not find.
namespace brigade {

// TRUNCATE gives the table another file, as a rewrite does; only after a rewrite is it to be
// copied.
void StorageCommit::truncate(const TruncateChange& table) {
  forget_table(table);
  forget_values(table.table);
  const pg::SqlScope sql;
  pg::execute("UPDATE brigade.followed_table SET file_node = $2 WHERE relation = $1::oid",
              pg::Parameters()
                  .add(static_cast<int64_t>(table.relation))
                  .add(static_cast<int64_t>(table.file_node)));
}

// The rows of the table that buckets hold now are those whose last operation is a put.
void StorageCommit::forget_table(const TruncateChange& truncate) {
  const auto [low, high] = subkey_range(truncate.table);
  const std::vector<std::string_view> range = {view(low), view(high)};
  operations_.flush();
  store_buckets();
  const pg::SqlScope sql;
  pg::execute_in_parts(
      "SELECT bucket, subkey, object_type, object_id FROM ("
      " SELECT DISTINCT ON (o.bucket, o.subkey, o.object_type, o.object_id)"
      " o.bucket, o.subkey, o.object_type, o.object_id, o.op FROM brigade.bucket b"
      " JOIN brigade.bucket_op o ON o.bucket = b.id"
      " WHERE b.definition = ANY ($1) AND o.subkey BETWEEN ($2)[1] AND ($2)[2]"
      " ORDER BY o.bucket, o.subkey, o.object_type, o.object_id, o.op_id DESC) newest"
      " WHERE op = 'P' ORDER BY bucket",
      pg::Parameters().add(truncate.definitions).add_uuids(range),
      [&](const pg::Rows& rows) { remove(rows); });
  memory_.forget_table(truncate, dependencies_);
  bound_dependencies();
  if (!copies_.definitions.empty()) held_.forget_table(truncate);
}

// Rows are given as bucket, subkey, object type and id.
void StorageCommit::remove(const pg::Rows& rows) {
  std::vector<int64_t> buckets;
  for (size_t i = 0; i < rows.size(); i++) buckets.push_back(rows.bigint(i, 0));
  buckets_.load_ids(buckets);
  for (size_t i = 0; i < rows.size(); i++) {
    append_remove(rows.bigint(i, 0), rows.uuid(i, 1), rows.bytes(i, 2), rows.bytes(i, 3));
  }
}

void StorageCommit::forget_values(const std::array<char, 4>& table) {
  const auto [low, high] = subkey_range(table);
  out_of_line_.forget_between(low, high);
}

int64_t StorageCommit::remove_unseen(const TruncateChange& table, int64_t count,
                                     std::optional<Subkey>& next) {
  const auto unseen = HeldRows::take_unseen(table, count, next);
  remove(unseen);
  return static_cast<int64_t>(unseen.size());
}

void StorageCommit::remove(const std::vector<HeldRows::Unseen>& unseen) {
  std::vector<int64_t> buckets;
  std::vector<RowMemory::Key> memberships;
  std::vector<RowMemory::Key> lookups;
  for (const HeldRows::Unseen& entry : unseen) {
    const bool makes_lookups = entry.row.bucket == HeldRows::lookup_bucket;
    (makes_lookups ? lookups : memberships).push_back(entry.key);
    if (!makes_lookups) buckets.push_back(entry.row.bucket);
  }
  buckets_.load_ids(buckets);
  memory_.load_memberships(memberships);
  memory_.load_lookups(lookups);
  for (const RowMemory::Key& key : memberships) memory_.set_membership(key, {});
  for (const RowMemory::Key& key : lookups) memory_.set_lookups(key, {});
  for (const HeldRows::Unseen& entry : unseen) {
    if (entry.row.bucket != HeldRows::lookup_bucket) {
      append_remove(entry.row.bucket, view(entry.key.subkey), entry.row.object_type,
                    entry.row.object_id);
    }
    out_of_line_.forget(entry.key.subkey);
  }
  memory_.flush(dependencies_);
  bound_dependencies();
  out_of_line_.flush();
}

}  // namespace brigade
