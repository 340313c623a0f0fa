#include "compaction/schedule.h"

#include <algorithm>

#include "pg/settings.h"
#include "pg/spi.h"
#include "pg/transaction.h"

namespace brigade {

namespace {

// Fewer new operations are not worth a transaction.
constexpr int64_t changes_min = 32;
// How much of the log is read at a time.
constexpr int64_t commits_per_turn_max = 10000;

}  // namespace

CheckpointPosition newest_checkpoint() {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute("SELECT commit_id, op_id FROM brigade.checkpoint");
  const CheckpointPosition position{rows.bigint(0, 0), rows.bigint(0, 1)};
  transaction.commit();
  return position;
}

namespace {

// Absent if the log does not hold the commit, or it is younger.
std::optional<CheckpointPosition> commit_of_age(int64_t commit_id, int age_s) {
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT op_id FROM brigade.commit_log WHERE commit_id = $1"
      " AND committed_at <= clock_timestamp() - make_interval(secs => $2)",
      pg::Parameters().add(commit_id).add(age_s));
  if (rows.empty()) return std::nullopt;
  return CheckpointPosition{commit_id, rows.bigint(0, 0)};
}

}  // namespace

// Commits are numbered without gaps and in the order of their times, so that halving finds it.
CheckpointPosition checkpoint_of_age(int age_s) {
  pg::Transaction transaction;
  const pg::Rows ends = pg::execute(
      "SELECT coalesce((SELECT min(commit_id) FROM brigade.commit_log), 1),"
      " coalesce((SELECT max(commit_id) FROM brigade.commit_log), 0)");
  int64_t low = ends.bigint(0, 0);
  int64_t high = ends.bigint(0, 1);
  CheckpointPosition found;
  while (low <= high) {
    const int64_t middle = low + (high - low) / 2;
    if (const auto position = commit_of_age(middle, age_s)) {
      found = *position;
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  transaction.commit();
  return found;
}

std::vector<int64_t> all_buckets() {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute("SELECT id FROM brigade.bucket ORDER BY id");
  std::vector<int64_t> buckets;
  for (size_t row = 0; row < rows.size(); row++) buckets.push_back(rows.bigint(row, 0));
  transaction.commit();
  return buckets;
}

namespace {

// What follows in the commit log, and whether the log still has it.
struct Written {
  int64_t after;
  int64_t until;
  bool in_log;
};

Written find_written() {
  const pg::Rows rows = pg::execute(
      "SELECT s.followed_commit, c.commit_id, EXISTS (SELECT FROM brigade.commit_log"
      " WHERE commit_id = s.followed_commit + 1)"
      " FROM brigade.compaction_state s, brigade.checkpoint c");
  Written written{rows.bigint(0, 0), rows.bigint(0, 1), rows.boolean(0, 2)};
  if (written.in_log) {
    written.until = std::min(written.until, written.after + commits_per_turn_max);
  }
  return written;
}

// A bucket that is looked at much later anyway, because it has no share of rows left to append
// again, comes earlier: what is written must not pile up until then.
void make_due(const Written& written) {
  const pg::Settings settings = pg::settings();
  pg::execute(
      "INSERT INTO brigade.bucket_compaction AS stored (bucket, due_at)"
      " SELECT b.id, clock_timestamp() + make_interval(secs => $4)"
      " FROM (SELECT DISTINCT unnest(buckets) AS id FROM brigade.commit_log"
      "  WHERE commit_id > $1 AND commit_id <= $2 AND $3"
      "  UNION ALL SELECT id FROM brigade.bucket WHERE NOT $3) written"
      " JOIN brigade.bucket b ON b.id = written.id"
      " LEFT JOIN brigade.bucket_compaction c ON c.bucket = b.id"
      " WHERE (c.due_at IS NULL OR c.due_at > clock_timestamp() + make_interval(secs => $4 + 1))"
      "  AND b.operation_count - coalesce(c.operation_count, 0)"
      "  >= greatest($5, ceil($6::numeric / 1000000 * coalesce(c.operation_count, 0)))"
      " ORDER BY b.id"
      " ON CONFLICT (bucket) DO UPDATE SET due_at = excluded.due_at",
      pg::Parameters()
          .add(written.after)
          .add(written.until)
          .add(written.in_log)
          .add(settings.compaction_delay_s)
          .add(changes_min)
          .add(static_cast<int64_t>(settings.compaction_change_ratio * 1000000)));
}

}  // namespace

void schedule_written_buckets() {
  pg::Transaction transaction;
  const Written written = find_written();
  if (written.after < written.until) {
    make_due(written);
    pg::execute("UPDATE brigade.compaction_state SET followed_commit = $1",
                pg::Parameters().add(written.until));
  }
  transaction.commit();
}

std::vector<int64_t> due_buckets(int limit) {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute(
      "SELECT bucket FROM brigade.bucket_compaction WHERE due_at <= clock_timestamp()"
      " ORDER BY due_at LIMIT $1",
      pg::Parameters().add(limit));
  std::vector<int64_t> buckets;
  for (size_t row = 0; row < rows.size(); row++) buckets.push_back(rows.bigint(row, 0));
  transaction.commit();
  return buckets;
}

void reschedule(int64_t bucket) {
  pg::Transaction transaction;
  const pg::Settings settings = pg::settings();
  pg::execute(
      "DELETE FROM brigade.bucket_compaction WHERE bucket = $1"
      " AND NOT EXISTS (SELECT FROM brigade.bucket WHERE id = $1)",
      pg::Parameters().add(bucket));
  pg::execute(
      "UPDATE brigade.bucket_compaction c SET due_at ="
      " CASE WHEN b.operation_count - c.operation_count"
      "  >= greatest($3, ceil($4::numeric / 1000000 * c.operation_count))"
      " THEN clock_timestamp() + make_interval(secs => $2) END"
      " FROM brigade.bucket b WHERE b.id = $1 AND c.bucket = b.id",
      pg::Parameters()
          .add(bucket)
          .add(settings.compaction_delay_s)
          .add(changes_min)
          .add(static_cast<int64_t>(settings.compaction_change_ratio * 1000000)));
  transaction.commit();
}

void postpone(int64_t bucket, int seconds) {
  pg::Transaction transaction;
  pg::execute(
      "UPDATE brigade.bucket_compaction"
      " SET due_at = clock_timestamp() + make_interval(secs => $2) WHERE bucket = $1",
      pg::Parameters().add(bucket).add(seconds));
  transaction.commit();
}

}  // namespace brigade
