#include "compaction/compactor.h"

#include <algorithm>
#include <string>

#include "compaction/defragmentation.h"
#include "compaction/pruning.h"
#include "compaction/schedule.h"
#include "pg/background_worker.h"
#include "pg/error.h"
#include "pg/settings.h"
#include "pg/spi.h"
#include "pg/transaction.h"

namespace brigade {

namespace {

// How often the commit log is looked at; compaction is never urgent.
constexpr long turn_ms = 500;
// As many processes may each find one that no other has.
constexpr int due_buckets_max = 32;
// After an error, other buckets come first.
constexpr int retry_s = 600;

constexpr int32_t advisory_lock_class = 0x62726971;

// False if the extension is gone, or another process does this already.
bool own_extension_and_lock() {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_brigade')"
      " AND pg_try_advisory_lock($1, 0)",
      pg::Parameters().add(advisory_lock_class));
  const bool own = rows.boolean(0, 0);
  transaction.commit();
  return own;
}

void add_to_totals(const CompactionResult& result) {
  pg::Transaction transaction;
  pg::execute(
      "UPDATE brigade.compaction_state SET compactions = compactions + 1,"
      " examined = examined + $1, moved = moved + $2, deleted = deleted + $3",
      pg::Parameters().add(result.examined).add(result.moved).add(result.deleted));
  transaction.commit();
}

int running_helpers() {
  const pg::Rows rows = pg::execute(
      "SELECT count(*)::integer FROM pg_stat_activity"
      " WHERE backend_type = $1 AND datname = current_database()",
      pg::Parameters().add(pg::compaction_helper.type));
  return rows.integer(0, 0);
}

}  // namespace

CompactionResult compact(int64_t bucket, int64_t until_op_id, size_t old_rows_max, Pacer& pacer) {
  CompactionResult result = BucketCompaction(bucket, until_op_id, old_rows_max, pacer).run();
  if (result.examined > 0) add_to_totals(result);
  return result;
}

void Compactor::run() {
  if (!own_extension_and_lock()) return;
  for (;;) {
    pg::handle_worker_interrupts();
    const bool on = pg::settings().compaction;
    schedule_written_buckets();
    prune_sometimes();
    if (on) launch_helpers();
    const bool busy = on && compact_next();
    pg::wait_for_wake_up(busy ? 0 : turn_ms);
  }
}

// Much of what is pruned grows slowly, and looking for it costs something.
void Compactor::prune_sometimes() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_pruning_) return;
  prune(pacer_);
  next_pruning_ = now + std::chrono::seconds(pg::settings().pruning_interval_s);
}

void Compactor::help() {
  while (pg::settings().compaction && compact_next()) pg::handle_worker_interrupts();
}

void Compactor::launch_helpers() {
  const int more = pg::settings().compaction_workers - 1;
  if (more <= 0) return;
  const auto due = static_cast<int>(due_buckets(more + 1).size());
  pg::Transaction transaction;
  const int wanted = std::min(due - 1, more) - running_helpers();
  transaction.commit();
  for (int i = 0; i < wanted; i++) {
    if (!pg::launch_worker(pg::compaction_helper, database_)) return;
  }
}

// Compacts the first due bucket that no other process works on; false: there is none.
bool Compactor::compact_next() {
  for (const int64_t bucket : due_buckets(due_buckets_max)) {
    if (!try_lock_bucket(bucket)) continue;
    try {
      compact_due(bucket);
    } catch (const pg::Error& error) {
      pg::log_warning("compaction of bucket " + std::to_string(bucket) + ": " + error.what());
      postpone(bucket, retry_s);
    }
    unlock_bucket(bucket);
    return true;
  }
  return false;
}

// Operations that are younger than the delay are left alone, so that a checkpoint which a client is
// downloading stays possible for that long.
void Compactor::compact_due(int64_t bucket) {
  const int64_t until = checkpoint_of_age(pg::settings().compaction_delay_s).op_id;
  const CompactionResult result = compact(bucket, until, reappended_rows_max + 1, pacer_);
  reschedule(bucket);
  defragment_if_worthwhile(bucket, result);
}

}  // namespace brigade
