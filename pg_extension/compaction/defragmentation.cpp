#include "compaction/defragmentation.h"

#include <algorithm>
#include <vector>

#include "compaction/schedule.h"
#include "pg/background_worker.h"
#include "pg/error.h"
#include "pg/settings.h"
#include "pg/spi.h"
#include "pg/transaction.h"

namespace brigade {

namespace {

// The writer does this many in a storage commit, and follows the stream in between.
constexpr size_t rows_per_request = 500;
// Fewer operations too many are not worth sending a row again.
constexpr int64_t excess_min = 32;
constexpr int64_t seconds_a_day = 86400;
constexpr long waiting_turn_ms = 5;
constexpr int waiting_turns_max = 12000;

struct Budget {
  int64_t rows;
  int renewed_in_s;
};

// What is left of the share of rows that may be appended again in a day.
Budget load_budget(int64_t bucket) {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute(
      "SELECT greatest(0, ceil(row_count * ($2::numeric / 1000000)) - CASE WHEN ends > 0"
      "  THEN reappended ELSE 0 END)::bigint, greatest(ends, 0)::integer"
      " FROM brigade.bucket_compaction, LATERAL (SELECT coalesce($3 - extract(epoch FROM"
      "  clock_timestamp() - reappended_since), 0) AS ends) day WHERE bucket = $1",
      pg::Parameters()
          .add(bucket)
          .add(static_cast<int64_t>(pg::settings().defragmentation_share * 1000000))
          .add(seconds_a_day));
  Budget budget{0, 0};
  if (!rows.empty()) budget = {rows.bigint(0, 0), rows.integer(0, 1)};
  transaction.commit();
  return budget;
}

void count_reappended(int64_t bucket, int64_t count) {
  pg::execute(
      "UPDATE brigade.bucket_compaction SET"
      " reappended = $2 + CASE WHEN reappended_since > clock_timestamp() - interval '1 day'"
      "  THEN reappended ELSE 0 END,"
      " reappended_since = CASE WHEN reappended_since > clock_timestamp() - interval '1 day'"
      "  THEN reappended_since ELSE clock_timestamp() END WHERE bucket = $1",
      pg::Parameters().add(bucket).add(count));
  pg::execute("UPDATE brigade.compaction_state SET reappended = reappended + $1",
              pg::Parameters().add(count));
}

void wake_writer() {
  const pg::Rows rows = pg::execute("SELECT brigade.worker_pid()");
  if (!rows.is_null(0, 0)) pg::wake_at_commit(rows.integer(0, 0));
}

void request_reappend(int64_t bucket, int64_t through_op_id, std::span<const OldRow> rows) {
  pg::Transaction transaction;
  while (!rows.empty()) {
    const auto some = rows.first(std::min(rows.size(), rows_per_request));
    std::vector<int64_t> op_ids;
    for (const OldRow& row : some) op_ids.push_back(row.op_id);
    pg::execute(
        "INSERT INTO brigade.reappend_request (bucket, through_op_id, op_ids) VALUES ($1, $2, $3)",
        pg::Parameters().add(bucket).add(through_op_id).add(op_ids));
    count_reappended(bucket, static_cast<int64_t>(some.size()));
    rows = rows.subspan(some.size());
  }
  wake_writer();
  transaction.commit();
}

bool is_fragmented(const CompactionResult& compacted) {
  const double ratio = pg::settings().defragmentation_ratio;
  return ratio > 0 && compacted.operations - compacted.rows >= excess_min &&
         static_cast<double>(compacted.operations) > ratio * static_cast<double>(compacted.rows);
}

int64_t count_requests() {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute("SELECT count(*) FROM brigade.reappend_request");
  const int64_t count = rows.bigint(0, 0);
  transaction.commit();
  return count;
}

}  // namespace

int64_t defragment(int64_t bucket, const CompactionResult& compacted, size_t rows_max) {
  // One more than may be appended: its place tells what appending those before it gains.
  const std::span<const OldRow> known(compacted.old_rows);
  const auto oldest = known.first(std::min(known.size(), rows_max + 1));
  const int64_t wanted = compacted.rows + compacted.rows / 20 + 1;
  const size_t count =
      std::min(rows_max, rows_to_reappend(oldest, compacted.operations, compacted.rows, wanted));
  if (count > 0) request_reappend(bucket, compacted.until_op_id, oldest.first(count));
  return static_cast<int64_t>(count);
}

void defragment_if_worthwhile(int64_t bucket, const CompactionResult& compacted) {
  if (!is_fragmented(compacted)) return;
  const Budget budget = load_budget(bucket);
  if (budget.rows == 0) {
    if (budget.renewed_in_s > 0) postpone(bucket, budget.renewed_in_s);
    return;
  }
  const auto rows_max = std::min<size_t>(static_cast<size_t>(budget.rows), reappended_rows_max);
  // Once they are old enough, the history before them can go.
  if (defragment(bucket, compacted, rows_max) > 0) {
    postpone(bucket, pg::settings().compaction_delay_s + 1);
  }
}

void wait_for_reappended() {
  int64_t fewest = count_requests();
  for (int turns = 0; fewest > 0; turns++) {
    if (turns > waiting_turns_max) {
      throw pg::Error("55000", "the worker does not append rows again", {},
                      "SELECT brigade.start(); starts it. The server's log says why it ended.");
    }
    pg::handle_worker_interrupts();
    pg::pause_worker(waiting_turn_ms);
    const int64_t count = count_requests();
    if (count < fewest) turns = 0;
    fewest = std::min(fewest, count);
  }
}

}  // namespace brigade
