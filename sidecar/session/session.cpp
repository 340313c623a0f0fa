#include "session/session.h"

#include <algorithm>
#include <functional>

namespace brigade::sidecar {

namespace {

/// Clients that read 1 … 30 fetch a new token and reconnect without a pause.
constexpr int64_t expiry_notice_ms = 20'000;

size_t fingerprint(const std::vector<StreamDescription>& streams) {
  return std::hash<std::string>()(encode_checkpoint(LineFormat::ndjson_raw, {}, {}, streams));
}

int64_t seconds_until(int64_t deadline_ms, int64_t now_ms) {
  return std::max<int64_t>(0, (deadline_ms - now_ms + 500) / 1000);
}

}  // namespace

std::string_view close_reason_name(CloseReason reason) {
  switch (reason) {
    case CloseReason::client_closed:
      return "client closed";
    case CloseReason::token_expired:
      return "token expired";
    case CloseReason::shutting_down:
      return "shutting down";
    case CloseReason::slow_client:
      return "slow client";
    case CloseReason::failed:
      return "failed";
  }
  return "failed";
}

Session::Session(SessionOptions options, SessionHost& host)
    : Member(std::move(options.user_id), std::move(options.client_id)),
      host_(host),
      format_(options.format),
      other_positions_(std::move(options.positions)),
      token_expires_at_ms_(options.token_expires_at_ms) {}

void Session::start() {
  int64_t now_ms = host_.now_ms();
  if (now_ms >= token_expires_at_ms_) {
    send(encode_token_expires_in(format_, 0));
    end(CloseReason::token_expired);
    return;
  }
  // A token that is this short from the beginning needs no notice: its client would only reconnect.
  expiry_announced_ = token_expires_at_ms_ - now_ms <= expiry_notice_ms;
  keepalive_at_ms_ = now_ms + host_.keepalive_interval_ms();
  arm_timer();
  resolve();
}

void Session::resolve() {
  resolution_ = ResolutionState::asked;
  host_.resolve();
}

void Session::on_resolved(Resolution resolution) {
  if (ended_) return;
  resolution_ = ResolutionState::attaching;
  host_.attach(std::move(resolution));
}

void Session::on_resolve_failed(const ProtocolError& error, bool transient) {
  if (ended_) return;
  resolution_ = ResolutionState::failed;
  if (first_) {
    ended_ = true;
    host_.refuse(error);
  } else if (!transient) {
    end(CloseReason::failed);
  }
}

void Session::on_storage_recovered() {
  if (ended_) return;
  if (resolution_ == ResolutionState::failed) resolve();
  advance();
}

void Session::on_resolution_outdated() {
  // One that is on its way is judged by the hub when it is attached.
  if (ended_ || resolution_ == ResolutionState::asked) return;
  resolve();
}

void Session::on_attached(Attachment attachment) {
  if (ended_) return;
  resolution_ = ResolutionState::current;
  newest_op_id_ = attachment.op_id;
  if (attachment.write_checkpoint) on_write_checkpoint(*attachment.write_checkpoint);
  adopt(std::move(attachment.buckets));
  size_t streams = fingerprint(attachment.streams);
  if (streams != streams_fingerprint_) streams_ = std::move(attachment.streams);
  streams_fingerprint_ = streams;
  advance();
}

/// Replaces the buckets, and carries over what the client has of those that it keeps.
void Session::adopt(std::vector<AttachedBucket> attached) {
  std::unordered_map<const Bucket*, Entry*> before;
  for (Entry& entry : buckets_) before.emplace(entry.bucket, &entry);
  std::vector<Entry> after;
  after.reserve(attached.size());
  for (AttachedBucket& bucket : attached) {
    Entry entry{bucket.bucket, std::move(bucket.reasons)};
    entry.priority = bucket.priority;
    if (auto kept = before.extract(bucket.bucket)) {
      const Entry& old = *kept.mapped();
      entry.position = old.position;
      entry.is_known = old.is_known;
      entry.announced = old.announced;
      entry.is_announced =
          old.is_announced && entry.priority == old.priority && entry.reasons == old.reasons;
    } else if (auto other = other_positions_.extract(bucket.bucket->name)) {
      entry.position = other.mapped();
      entry.is_known = true;
    }
    urgent_ = urgent_ || !entry.is_announced;
    after.push_back(std::move(entry));
  }
  for (const auto& [bucket, entry] : before) {
    if (entry->is_known) other_positions_.emplace(bucket->name, entry->position);
  }
  urgent_ = urgent_ || !other_positions_.empty();
  history_lost_ = false;  // What was lost and is still wanted is read again.
  std::vector<const Bucket*> rest;
  for (size_t i = round_next_; i < round_.size(); i++) {
    rest.push_back(buckets_[round_[i]].bucket);
  }
  buckets_ = std::move(after);
  continue_round(rest);
  reindexed_ = true;
  changed_.clear();
  for (uint32_t i = 0; i < buckets_.size(); i++) list_changed(i);
}

/// What is left of the round, at the places where its buckets are now. If one of them is gone, the
/// checkpoint cannot be completed any more, and the next one is about to be announced.
void Session::continue_round(const std::vector<const Bucket*>& rest) {
  round_ = {};
  round_next_ = group_start_ = expected_until_ = 0;
  if (rest.empty()) return;
  std::unordered_map<const Bucket*, uint32_t> places;
  for (uint32_t i = 0; i < buckets_.size(); i++) places.emplace(buckets_[i].bucket, i);
  for (const Bucket* bucket : rest) {
    const auto place = places.find(bucket);
    if (place != places.end()) round_.push_back(place->second);
  }
  if (round_.size() == rest.size()) return;
  round_ = {};
  round_open_ = false;
  reading_.reset();
}

void Session::list_changed(uint32_t index) {
  Entry& entry = buckets_[index];
  bool same = entry.is_announced && entry.announced == entry.bucket->state;
  if (entry.is_listed || same) return;
  entry.is_listed = true;
  changed_.push_back(index);
  changed_priority_min_ = std::min(changed_priority_min_, entry.priority);
}

void Session::on_bucket_changed(uint32_t index) { list_changed(index); }

void Session::on_write_checkpoint(int64_t id) {
  if (!write_checkpoint_ || *write_checkpoint_ < id) write_checkpoint_ = id;
}

void Session::on_commit(int64_t op_id) {
  newest_op_id_ = op_id;
  advance();
}

void Session::on_drained() { advance(); }

void Session::on_batch(const OperationRange& range, const DataBatch& batch) {
  // A newer announcement may have planned anew since this was asked for.
  if (ended_ || reading_ != range) return;
  reading_.reset();
  Entry& entry = buckets_[round_[round_next_]];
  if (!batch.is_lost) entry.position = batch.has_more ? batch.next_after : range.until;
  if (!batch.has_more) round_next_++;
  history_lost_ = history_lost_ || batch.is_lost;
  counters_.operations += batch.operation_count;
  merged_until_ = std::max(merged_until_, batch.target_op_id_max);
  if (batch.line) host_.send(batch.line);
  advance();
}

void Session::on_read_failed(const OperationRange& range, bool transient) {
  if (ended_ || reading_ != range) return;
  reading_.reset();
  if (!transient) end(CloseReason::failed);
}

void Session::send(std::string line) {
  host_.send(std::make_shared<const std::string>(std::move(line)));
}

void Session::end(CloseReason reason) {
  if (ended_) return;
  ended_ = true;
  host_.end(reason);
}

void Session::arm_timer() {
  int64_t notice_at_ms = token_expires_at_ms_ - (expiry_announced_ ? 0 : expiry_notice_ms);
  int64_t next_ms = std::min(keepalive_at_ms_, notice_at_ms);
  host_.set_timer(std::max<int64_t>(0, next_ms - host_.now_ms()));
}

void Session::on_timer() {
  if (ended_) return;
  int64_t now_ms = host_.now_ms();
  if (now_ms >= token_expires_at_ms_) {
    send(encode_token_expires_in(format_, 0));
    end(CloseReason::token_expired);
    return;
  }
  bool notice = !expiry_announced_ && now_ms >= token_expires_at_ms_ - expiry_notice_ms;
  bool keepalive = now_ms >= keepalive_at_ms_;
  expiry_announced_ = expiry_announced_ || notice;
  if (keepalive) keepalive_at_ms_ = now_ms + host_.keepalive_interval_ms();
  // A client that is slow to read has data to prove that the stream lives.
  bool worth_sending = notice || (keepalive && host_.writable());
  int64_t seconds = seconds_until(token_expires_at_ms_, now_ms);
  if (worth_sending) send(encode_token_expires_in(format_, seconds));
  arm_timer();
  // A failure that passes may pass without a word.
  if (keepalive) on_storage_recovered();
}

}  // namespace brigade::sidecar
