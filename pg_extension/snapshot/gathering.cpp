#include "snapshot/gathering.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "pg/index_lookup.h"
#include "pg/spi.h"
#include "pg/transaction.h"
#include "storage/gathered_rows.h"
#include "storage/subkey_scan.h"

namespace brigade {

namespace {

using pg::IndexLookup;

// The commits that a pass after the first goes over: enough to keep up, few enough to list.
constexpr int64_t pass_commits_max = 1000;
constexpr int64_t pass_operations_wanted = 4000;

struct Commit {
  int64_t id;
  int64_t op_id;
};

Commit load_checkpoint() {
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute("SELECT commit_id, op_id FROM brigade.checkpoint");
  return {rows.bigint(0, 0), rows.bigint(0, 1)};
}

// The commit log after one commit.
class CommitLog {
 public:
  explicit CommitLog(int64_t after) : expected_(after + 1) { rows_.start({after}); }

  // False at its end, and where an entry is missing because it was pruned.
  bool next() { return rows_.next() && rows_.bigint(0) == expected_++; }
  Commit commit() const { return {rows_.bigint(0), rows_.bigint(1)}; }
  std::vector<int64_t> buckets() const { return rows_.bigints(2); }

 private:
  IndexLookup rows_{"commit_log", "commit_log_pkey", 1, IndexLookup::LastColumn::greater};
  int64_t expected_;
};

// Where a pass over what came after a commit ends: soon, if the log tells its buckets.
Commit end_of_pass(const Commit& read, const Commit& head) {
  if (read.id == GatheringPosition::none) return head;
  CommitLog log(read.id);
  Commit end = head;
  for (int64_t commits = 0; log.next(); commits++) {
    end = log.commit();
    if (commits >= pass_commits_max || end.op_id - read.op_id >= pass_operations_wanted) break;
  }
  return end;
}

// The buckets that commits wrote, ascending; nothing if the log does not tell.
std::optional<std::vector<int64_t>> written_buckets(int64_t after, int64_t until) {
  if (after == GatheringPosition::none) return std::nullopt;
  std::vector<int64_t> buckets;
  CommitLog log(after);
  for (int64_t commit = after; commit < until; commit++) {
    if (!log.next()) return std::nullopt;
    const std::vector<int64_t> written = log.buckets();
    buckets.insert(buckets.end(), written.begin(), written.end());
  }
  std::ranges::sort(buckets);
  buckets.erase(std::unique(buckets.begin(), buckets.end()), buckets.end());
  return buckets;
}

// Goes on with a pass over the histories of buckets.
class HistoryReader {
 public:
  HistoryReader(GatheringPosition& position, const TruncateChange& table, int64_t count)
      : position_(position), table_(table), left_(count) {}

  // False: there is more to read.
  bool read() {
    const auto written = written_buckets(position_.read_commit, position_.pass_commit);
    return written ? read_written(*written) : read_all();
  }
  int64_t left() const { return left_; }
  // Rows that are no longer held although no change says so.
  int64_t forgotten() const { return forgotten_; }
  HeldChanges& changes() { return changes_; }

 private:
  bool read_written(const std::vector<int64_t>& buckets);
  bool read_all();
  bool read_bucket(const IndexLookup& bucket);
  bool read_history(int64_t bucket, int64_t after);
  bool read_operation();
  Subkey subkey() const;

  GatheringPosition& position_;
  const TruncateChange& table_;
  int64_t left_;
  int64_t forgotten_ = 0;
  HeldChanges changes_;
  IndexLookup operations_{"bucket_op", "bucket_op_pkey", 2, IndexLookup::LastColumn::greater};
};

bool HistoryReader::read_written(const std::vector<int64_t>& buckets) {
  IndexLookup rows("bucket", "bucket_pkey", 1);
  for (auto id = std::ranges::lower_bound(buckets, position_.bucket); id != buckets.end(); id++) {
    rows.start({*id});
    if (rows.next() && !read_bucket(rows)) return false;
  }
  return true;
}

bool HistoryReader::read_all() {
  IndexLookup rows("bucket", "bucket_pkey", 1, IndexLookup::LastColumn::greater);
  rows.start({position_.bucket - 1});
  while (rows.next()) {
    if (!read_bucket(rows)) return false;
  }
  return true;
}

// Buckets are looked at in the order of their ids, so that a pass can go on where it was.
bool HistoryReader::read_bucket(const IndexLookup& bucket) {
  const int64_t id = bucket.bigint(0);
  if (id > position_.bucket) {
    position_.bucket = id;
    position_.bucket_op = 0;
  }
  if (left_-- <= 0) return false;
  const int64_t after = std::max(position_.bucket_op, position_.read_op);
  const int64_t last_op_id = bucket.bigint(5);
  const int32_t definition = bucket.integer(1);
  const auto& wanted = table_.definitions;
  if (last_op_id <= after || std::ranges::find(wanted, definition) == wanted.end()) return true;
  changes_.enter(definition, id, after > 0);
  return read_history(id, after);
}

bool HistoryReader::read_history(int64_t bucket, int64_t after) {
  operations_.start({bucket, after});
  while (operations_.next() && operations_.bigint(1) <= position_.pass_op) {
    if (left_-- <= 0 || !read_operation()) return false;
    position_.bucket_op = operations_.bigint(1);
  }
  return true;
}

// False: it must be read once more, because there was too much to forget.
bool HistoryReader::read_operation() {
  const char kind = operations_.character(4);
  if (kind == 'C') {
    const bool read_before = changes_.read_before();
    changes_.clear();
    const int64_t count = read_before ? forget_in_bucket(table_, position_.bucket, left_ + 1) : 0;
    forgotten_ += count;
    left_ -= count;
    return left_ >= 0;
  }
  if (kind == 'M' || table_of(subkey()) != table_.table) return true;
  const std::string_view type = operations_.text(6);
  const std::string_view id = operations_.text(7);
  if (kind == 'R') {
    changes_.remove(subkey(), type, id);
  } else {
    changes_.put(subkey(), type, id, static_cast<uint32_t>(operations_.bigint(2)));
  }
  return true;
}

Subkey HistoryReader::subkey() const {
  Subkey subkey;
  std::memcpy(subkey.data(), operations_.uuid(5).data(), subkey.size());
  return subkey;
}

}  // namespace

Gathering::Gathering(TableCopy& copy, std::vector<int32_t> forgetting)
    : copy_(copy), forgetting_(std::move(forgetting)) {}

bool Gathering::read_part(int64_t count) {
  count_ = count;
  if (copy_.phase != CopyPhase::gathering) start_gathering(copy_);
  do {
    const pg::SnapshotWithOwnWrites now;
    if (read_step()) return true;
  } while (left() > 0);
  store_progress(copy_);
  return false;
}

// True: there is nothing left to read.
bool Gathering::read_step() {
  const TruncateChange table = copy_.target();
  switch (copy_.gathering.step) {
    case GatheringStep::held_rows:
      read_rows(forget_held_part, table, GatheringStep::memberships);
      return false;
    case GatheringStep::memberships:
      read_rows(forget_memberships_part, {forgetting_, table.table}, GatheringStep::lookups);
      return false;
    case GatheringStep::lookups:
      read_rows(hold_lookups_part, table, GatheringStep::operations);
      return false;
    case GatheringStep::operations:
      if (!copy_.gathering.in_pass() && !begin_pass()) return true;
      read_operations();
      return false;
  }
  return false;
}

template <typename Part>
void Gathering::read_rows(Part part, const TruncateChange& table, GatheringStep next) {
  std::optional<Subkey> end;
  int64_t rows = 0;
  if (!table.definitions.empty()) end = part(table, copy_.next_subkey, left(), rows);
  row_count_ += rows;
  if (copy_.gathering.step == GatheringStep::lookups) copy_.gathering.held += rows;
  examined_ = end ? count_ : examined_ + rows;
  if (end) {
    copy_.next_subkey = *end;
  } else {
    copy_.gathering.step = next;
    copy_.next_subkey = first_subkey(table);
  }
}

// False: nothing was stored since the last.
bool Gathering::begin_pass() {
  GatheringPosition& position = copy_.gathering;
  const Commit head = load_checkpoint();
  if (position.read_commit == head.id) return false;
  const Commit end = end_of_pass({position.read_commit, position.read_op}, head);
  position.pass_commit = end.id;
  position.pass_op = end.op_id;
  position.bucket = 0;
  position.bucket_op = 0;
  return true;
}

void Gathering::read_operations() {
  GatheringPosition& position = copy_.gathering;
  const TruncateChange table = copy_.target();
  HistoryReader reader(position, table, left());
  if (reader.read()) {
    position.read_commit = position.pass_commit;
    position.read_op = position.pass_op;
  }
  examined_ = count_ - reader.left();
  row_count_ += static_cast<int64_t>(reader.changes().size());
  position.held += apply(reader.changes().take()) - reader.forgotten();
}

}  // namespace brigade
