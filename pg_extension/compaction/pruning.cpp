#include "compaction/pruning.h"

#include <optional>

#include "compaction/bucket_compaction.h"
#include "compaction/schedule.h"
#include "pg/settings.h"
#include "pg/spi.h"
#include "pg/transaction.h"

namespace brigade {

namespace {

// Rows deleted in a transaction of some milliseconds. The statements repeat it.
constexpr size_t batch_max = 2000;

// Runs a statement that returns the rows it deleted until it finds fewer than a whole batch.
void repeat(Pacer& pacer, const char* sql, int64_t argument) {
  for (size_t deleted = batch_max; deleted >= batch_max;) {
    pg::Transaction transaction;
    deleted = pg::execute(sql, pg::Parameters().add(argument)).size();
    transaction.commit();
    pacer.pause_after(static_cast<int64_t>(deleted));
  }
}

void prune_commit_log(Pacer& pacer) {
  const auto newest_old = checkpoint_of_age(pg::settings().commit_log_retention_s);
  repeat(pacer,
         "DELETE FROM brigade.commit_log WHERE commit_id IN (SELECT commit_id"
         " FROM brigade.commit_log WHERE commit_id <= $1 ORDER BY commit_id LIMIT 2000)"
         " RETURNING 1",
         newest_old.commit_id);
}

// A request that is newer than its acknowledgement stays: it is still to be acknowledged.
void prune_write_checkpoints(Pacer& pacer) {
  repeat(pacer,
         "WITH old AS (DELETE FROM brigade.acknowledged_write_checkpoint"
         "  WHERE (user_id, client_id) IN (SELECT user_id, client_id"
         "   FROM brigade.acknowledged_write_checkpoint"
         "   WHERE acknowledged_at < now() - make_interval(days => $1::integer) LIMIT 2000)"
         "  RETURNING user_id, client_id, request_id),"
         " requests AS (DELETE FROM brigade.write_checkpoint w USING old"
         "  WHERE w.user_id = old.user_id AND w.client_id = old.client_id"
         "  AND w.request_id = old.request_id)"
         " SELECT 1 FROM old",
         pg::settings().write_checkpoint_retention_days);
}

// One is out of force for as long as the next one has been in force. What can be gone back to at
// once stays: its row is what keeps its definitions.
void prune_configs(Pacer& pacer) {
  repeat(pacer,
         "DELETE FROM brigade.sync_config c WHERE state IN ('stopped', 'errored')"
         " AND retained_until IS NULL"
         " AND EXISTS (SELECT FROM brigade.sync_config newer WHERE newer.id > c.id"
         "  AND newer.activated_at < now() - make_interval(days => $1::integer)) RETURNING 1",
         pg::settings().config_retention_days);
}

// The newest are kept, however many rows fail again and again.
void prune_errors(Pacer& pacer) {
  repeat(pacer,
         "DELETE FROM brigade.row_error WHERE id IN (SELECT id FROM brigade.row_error"
         " WHERE occurred_at < now() - make_interval(days => $1::integer)"
         "  OR id <= (SELECT max(id) - 100000 FROM brigade.row_error)"
         " ORDER BY id LIMIT 2000) RETURNING 1",
         pg::settings().error_retention_days);
}

std::optional<int64_t> first_row(const char* sql, int64_t argument) {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute(sql, pg::Parameters().add(argument));
  std::optional<int64_t> value;
  if (!rows.empty()) value = rows.bigint(0, 0);
  transaction.commit();
  return value;
}

// A row that is remembered to be in the bucket has an operation there.
void delete_bucket(Pacer& pacer, int64_t bucket) {
  lock_bucket(bucket);
  repeat(pacer,
         "WITH gone AS (DELETE FROM brigade.bucket_op WHERE bucket = $1 AND op_id IN (SELECT op_id"
         "  FROM brigade.bucket_op WHERE bucket = $1 ORDER BY op_id LIMIT 2000)"
         "  RETURNING bucket, subkey),"
         " forgotten AS (DELETE FROM brigade.row_membership m USING gone, brigade.bucket b"
         "  WHERE b.id = gone.bucket AND m.subkey = gone.subkey AND m.definition = b.definition)"
         " SELECT 1 FROM gone",
         bucket);
  repeat(pacer, "DELETE FROM brigade.bucket_compaction WHERE bucket = $1 RETURNING 1", bucket);
  repeat(pacer, "DELETE FROM brigade.bucket WHERE id = $1 RETURNING 1", bucket);
  unlock_bucket(bucket);
}

// No index finds a part of them, so they go at once. Nobody else touches these rows.
void delete_lookups(int64_t definition) {
  pg::Transaction transaction;
  pg::execute("DELETE FROM brigade.lookup WHERE definition = $1", pg::Parameters().add(definition));
  pg::execute("DELETE FROM brigade.held_row WHERE definition = $1",
              pg::Parameters().add(definition));
  transaction.commit();
}

void delete_definition(Pacer& pacer, int64_t definition) {
  while (const auto bucket =
             first_row("SELECT id FROM brigade.bucket WHERE definition = $1 LIMIT 1", definition)) {
    delete_bucket(pacer, *bucket);
  }
  delete_lookups(definition);
  repeat(pacer, "DELETE FROM brigade.definition WHERE id = $1 RETURNING 1", definition);
}

void prune_definitions(Pacer& pacer) {
  while (const auto definition = first_row(
             "SELECT id::bigint FROM brigade.definition WHERE state = 'dropping' AND id > $1"
             " ORDER BY id LIMIT 1",
             0)) {
    delete_definition(pacer, *definition);
  }
}

}  // namespace

void prune(Pacer& pacer) {
  prune_commit_log(pacer);
  prune_write_checkpoints(pacer);
  prune_configs(pacer);
  prune_errors(pacer);
  prune_definitions(pacer);
}

}  // namespace brigade
