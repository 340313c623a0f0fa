// A session's rounds: a checkpoint is announced, what it lacks is downloaded, and it is completed.
#include <algorithm>
#include <bit>
#include <numeric>
#include <tuple>

#include "session/session.h"

namespace brigade::sidecar {

namespace {

/// Small buckets are fetched together, up to this many operations.
constexpr int64_t expected_operations_max = 1'000;

}  // namespace

int Session::current_priority() const {
  return round_next_ < round_.size() ? buckets_[round_[round_next_]].priority : priority_none;
}

bool Session::may_announce() const {
  if (resolution_ != ResolutionState::current) return false;
  bool news = first_ || !changed_.empty() || !other_positions_.empty() || !streams_.empty() ||
              write_checkpoint_ != announced_write_checkpoint_;
  return news && (!round_open_ || urgent_ || changed_priority_min_ < current_priority());
}

/// Does what can be done now: everything stops while the client is slow to take what was sent.
void Session::advance() {
  if (ended_ || !host_.writable()) return;
  if (round_open_ && round_next_ == round_.size()) complete();
  if (may_announce()) announce();
  if (round_open_) download();
}

void Session::announce() {
  checkpoint_op_id_ = newest_op_id_;
  CheckpointHead head{checkpoint_op_id_, write_checkpoint_};
  if (first_ || !streams_.empty()) {
    announce_all(head);
  } else {
    announce_changes(head);
  }
  announced_write_checkpoint_ = write_checkpoint_;
  other_positions_ = {};
  changed_.clear();
  changed_priority_min_ = priority_none;
  first_ = reindexed_ = urgent_ = false;
  reading_.reset();
  round_open_ = true;
}

BucketDescription Session::describe(Entry& entry) {
  entry.announced = entry.bucket->state;
  entry.is_known = entry.is_announced = true;
  entry.is_listed = false;
  // All up-to-date sessions stand at the same position, so that they share the next batch.
  entry.position = std::min(entry.position, entry.announced.last_op_id);
  return {entry.bucket->name, entry.announced, entry.priority, entry.reasons};
}

void Session::announce_all(const CheckpointHead& head) {
  std::vector<BucketDescription> described;
  std::vector<uint32_t> named;
  described.reserve(buckets_.size());
  for (uint32_t i = 0; i < buckets_.size(); i++) {
    described.push_back(describe(buckets_[i]));
    named.push_back(i);
  }
  send(encode_checkpoint(format_, head, described, streams_));
  streams_ = {};
  plan_round(named, true);
}

void Session::announce_changes(const CheckpointHead& head) {
  std::vector<uint32_t> named = std::move(changed_);
  std::sort(named.begin(), named.end());
  std::vector<BucketDescription> described;
  described.reserve(named.size());
  for (uint32_t index : named) described.push_back(describe(buckets_[index]));
  send(encode_checkpoint_diff(format_, head, removed(), described));
  plan_round(named, reindexed_);
}

std::vector<std::string> Session::removed() const {
  std::vector<std::string> names;
  for (const auto& other : other_positions_) names.push_back(other.first);
  std::sort(names.begin(), names.end());
  return names;
}

/// Lists what to download: of the named buckets and of those an earlier round left over, or of all.
void Session::plan_round(const std::vector<uint32_t>& named, bool all) {
  std::vector<uint32_t> candidates = named;
  if (all) {
    candidates.resize(buckets_.size());
    std::iota(candidates.begin(), candidates.end(), 0);
  } else {
    candidates.insert(candidates.end(), round_.begin() + static_cast<ptrdiff_t>(round_next_),
                      round_.end());
  }
  auto is_complete = [&](uint32_t index) {
    return buckets_[index].position >= buckets_[index].announced.last_op_id;
  };
  std::erase_if(candidates, is_complete);
  auto order = [&](uint32_t index) {
    return std::tuple<uint8_t, std::string_view>(buckets_[index].priority,
                                                 buckets_[index].bucket->name);
  };
  std::sort(candidates.begin(), candidates.end(),
            [&](uint32_t a, uint32_t b) { return order(a) < order(b); });
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  round_ = std::move(candidates);
  round_next_ = group_start_ = expected_until_ = 0;
  pending_priorities_ = 0;
  for (uint32_t index : named) pending_priorities_ |= 1U << buckets_[index].priority;
  for (uint32_t index : round_) pending_priorities_ |= 1U << buckets_[index].priority;
}

OperationRange Session::missing_range(const Entry& entry) const {
  return {entry.bucket->id.value_or(0), entry.position, entry.announced.last_op_id};
}

/// A query a bucket would cost more than what is in it. While a group of small ones is sent, the
/// next is read. What did not fit into one read, or was forgotten while the client was slow, makes
/// a new group.
void Session::expect_small_reads() {
  if (!host_.holds(missing_range(buckets_[round_[round_next_]]))) {
    group_start_ = expected_until_ = round_next_;
  }
  while (round_next_ >= group_start_ && expected_until_ < round_.size()) expect_group();
}

void Session::expect_group() {
  std::vector<SessionHost::ExpectedRead> reads;
  group_start_ = expected_until_;
  for (int64_t operations = 0; expected_until_ < round_.size(); expected_until_++) {
    const Entry& entry = buckets_[round_[expected_until_]];
    operations += std::max<int64_t>(1, entry.announced.count);
    if (operations > expected_operations_max) break;
    reads.push_back({missing_range(entry), entry.bucket});
  }
  // A large bucket is read by itself, and what comes after it once it has been sent.
  if (reads.empty()) group_start_ = ++expected_until_;
  if (reads.size() > 1) host_.expect(reads);
}

void Session::download() {
  if (reading_) return;
  if (round_next_ == round_.size()) {
    complete();
    return;
  }
  Entry& entry = buckets_[round_[round_next_]];
  complete_priorities_below(entry.priority);
  expect_small_reads();
  reading_ = missing_range(entry);
  host_.read(*reading_, *entry.bucket);
}

void Session::complete_priorities_below(int priority) {
  for (int done = 0; done < priority; done++) {
    bool pending = (pending_priorities_ & (1U << done)) != 0;
    pending_priorities_ &= static_cast<uint8_t>(~(1U << done));
    if (pending && may_complete()) send(encode_partial_complete(format_, checkpoint_op_id_, done));
  }
}

void Session::complete() {
  complete_priorities_below(std::bit_width(pending_priorities_) - 1);
  round_ = {};
  round_next_ = 0;
  round_open_ = false;
  if (may_complete()) {
    counters_.checkpoints_completed++;
    send(encode_complete(format_, checkpoint_op_id_));
  }
}

}  // namespace brigade::sidecar
