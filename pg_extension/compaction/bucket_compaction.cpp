#include "compaction/bucket_compaction.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "compaction/bucket_history.h"
#include "pg/settings.h"
#include "pg/spi.h"
#include "pg/transaction.h"

namespace brigade {

namespace {

// Small enough for a transaction of some milliseconds, so that what it locks is soon free again.
constexpr int64_t chunk_operations_max = 2000;

constexpr size_t seen_bytes_per_operation = 2;

constexpr int32_t lock_class = 0x62726970;

// Advisory locks have 32 bits for this. Two buckets may share one: then they take turns.
int32_t lock_key(int64_t bucket) { return static_cast<int32_t>(bucket); }

}  // namespace

BucketCompaction::BucketCompaction(int64_t bucket, int64_t until_op_id, size_t old_rows_max,
                                   Pacer& pacer)
    : bucket_(bucket), until_(until_op_id), old_rows_max_(old_rows_max), pacer_(pacer) {}

CompactionResult BucketCompaction::run() {
  auto [compacted, operations] = load_progress();
  if (compacted >= until_ && old_rows_max_ > 0) pass(NewestOperations(0), compacted);
  size_t memory = pg::settings().compaction_memory_bytes;
  std::optional<SeenRows> seen;
  // A row is known to come for the first time only if all of the history passes by.
  if (compacted == 0) {
    const size_t bytes = std::min<size_t>(memory / 4, seen_bytes_per_operation * operations);
    seen.emplace(bytes);
    memory -= bytes;
  }
  while (compacted < until_) {
    NewestOperations newest(memory / NewestOperations::bytes_per_row, seen ? &*seen : nullptr);
    const int64_t until = note_changes(newest, compacted);
    pass(newest, until);
    compacted = until;
  }
  return result_;
}

BucketCompaction::Progress BucketCompaction::load_progress() {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute(
      "SELECT coalesce(c.compacted_op_id, 0), b.operation_count FROM brigade.bucket b"
      " LEFT JOIN brigade.bucket_compaction c ON c.bucket = b.id WHERE b.id = $1",
      pg::Parameters().add(bucket_));
  const Progress progress =
      rows.empty() ? Progress{} : Progress{rows.bigint(0, 0), rows.bigint(0, 1)};
  transaction.commit();
  return progress;
}

// Notes the operations after `after` as far as there is room, and returns how far that was.
int64_t BucketCompaction::note_changes(NewestOperations& newest, int64_t after) {
  for (;;) {
    pg::Transaction transaction;
    const auto chunk = read_history(bucket_, after, until_, chunk_operations_max);
    transaction.commit();
    for (const HistoryEntry& entry : chunk) {
      if (!newest.note(entry)) return after;
      after = entry.op_id;
    }
    const auto size = static_cast<int64_t>(chunk.size());
    result_.examined += size;
    pacer_.pause_after(size);
    if (size < chunk_operations_max) return until_;
  }
}

void BucketCompaction::pass(const NewestOperations& newest, int64_t until) {
  HistoryPass pass(newest, old_rows_max_);
  for (int64_t after = 0;;) {
    pg::Transaction transaction;
    const auto chunk = read_history(bucket_, after, until, chunk_operations_max);
    const Edits edits = pass.next(chunk);
    apply_edits(bucket_, edits);
    const auto size = static_cast<int64_t>(chunk.size());
    const bool last = size < chunk_operations_max;
    const int64_t deleted = edits.clear ? edits.clear->deleted : 0;
    if (last) store(pass, until);
    if (deleted > 0) subtract_from_count(bucket_, deleted);
    transaction.commit();
    result_.examined += size;
    result_.moved += static_cast<int64_t>(edits.moved.size());
    result_.deleted += deleted;
    pacer_.pause_after(size);
    if (last) {
      result_.until_op_id = until;
      result_.operations = pass.operation_count();
      result_.rows = pass.row_count();
      result_.old_rows = pass.old_rows();
      return;
    }
    after = chunk.back().op_id;
  }
}

void BucketCompaction::store(const HistoryPass& pass, int64_t until) {
  pg::execute(
      "INSERT INTO brigade.bucket_compaction AS stored"
      " (bucket, compacted_op_id, operation_count, row_count, data_bytes, checked_at)"
      " SELECT id, $2, $3, $4, $5, clock_timestamp() FROM brigade.bucket WHERE id = $1"
      " ON CONFLICT (bucket) DO UPDATE SET compacted_op_id = excluded.compacted_op_id,"
      " operation_count = excluded.operation_count, row_count = excluded.row_count,"
      " data_bytes = excluded.data_bytes, checked_at = excluded.checked_at",
      pg::Parameters()
          .add(bucket_)
          .add(until)
          .add(pass.operation_count())
          .add(pass.row_count())
          .add(pass.data_bytes()));
}

bool try_lock_bucket(int64_t bucket) {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute("SELECT pg_try_advisory_lock($1, $2)",
                                    pg::Parameters().add(lock_class).add(lock_key(bucket)));
  const bool locked = rows.boolean(0, 0);
  transaction.commit();
  return locked;
}

void lock_bucket(int64_t bucket) {
  pg::Transaction transaction;
  pg::execute("SELECT pg_advisory_lock($1, $2)",
              pg::Parameters().add(lock_class).add(lock_key(bucket)));
  transaction.commit();
}

void unlock_bucket(int64_t bucket) {
  pg::Transaction transaction;
  pg::execute("SELECT pg_advisory_unlock($1, $2)",
              pg::Parameters().add(lock_class).add(lock_key(bucket)));
  transaction.commit();
}

}  // namespace brigade
