#include "session/live_session.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace brigade::sidecar {

namespace {
constexpr size_t held_back_bytes_max = 4096;
}  // namespace

ProtocolError to_protocol_error(const StorageError& error) {
  if (error.sqlstate == "BR001") return ProtocolError::no_sync_config();
  if (error.sqlstate == "BR002") {
    return ProtocolError::too_many_buckets(error.message + ". " + error.detail);
  }
  if (error.sqlstate == "22023") return ProtocolError::validation(error.message);
  if (error.transient) return ProtocolError::storage_unavailable();
  return ProtocolError::internal();
}

LiveSession::LiveSession(SessionWorld& world, SessionOptions options, std::string resolve_request,
                         std::unique_ptr<LineSink> sink, Labels labels)
    : world_(world),
      session_(std::move(options), *this),
      resolve_request_(std::move(resolve_request)),
      sink_(std::move(sink)),
      labels_(std::move(labels)),
      timer_(world.loop,
             [this] {
               reading_ = false;  // What waits for a read that takes this long goes out.
               run([this] { session_.on_timer(); });
             }),
      started_at_ms_(world.now_ms()) {}

LiveSession::~LiveSession() { detach(CloseReason::client_closed); }

template <class Event>
void LiveSession::run(Event event) {
  // What the event causes may be the last to hold this object.
  std::shared_ptr<LiveSession> self = shared_from_this();
  event();
  settle();
}

void LiveSession::start() {
  attached_ = true;
  world_.on_start(*this);
  world_.hub.add(session_);
  run([this] { session_.start(); });
}

void LiveSession::shut_down(CloseReason reason) {
  run([&] { session_.end(reason); });
}

void LiveSession::on_storage_recovered() {
  run([this] { session_.on_storage_recovered(); });
}

void LiveSession::on_drained() {
  run([this] { session_.on_drained(); });
}

void LiveSession::on_stalled() {
  run([this] { session_.end(CloseReason::slow_client); });
}

void LiveSession::on_closed() {
  run([this] { session_.end(CloseReason::client_closed); });
}

void LiveSession::SettlingSession::on_attached(Attachment attachment) {
  live_.run([&] { Session::on_attached(std::move(attachment)); });
}

void LiveSession::SettlingSession::on_commit(int64_t op_id) {
  live_.run([&] { Session::on_commit(op_id); });
}

/// Hands over kept batches and flushes, until the client is slow or nothing is left to do.
void LiveSession::settle() {
  bool more = true;
  while (more) {
    take_wanted();
    if (!may_hold_back()) sink_->flush();
    more = std::exchange(blocked_, false) && !session_.ended() && sink_->writable();
    if (more) session_.on_drained();
  }
}

/// A diff goes out together with the data that it announces, which are on their way: every write
/// costs more than what is in it.
bool LiveSession::may_hold_back() const {
  bool begun = sink_->bytes_sent() > 0;
  return reading_ && begun && sink_->unflushed_bytes() <= held_back_bytes_max;
}

/// Reads what the session wants. A batch that is kept is handed over here and not from within
/// `read`, so that a session that goes through many of them does not recurse.
void LiveSession::take_wanted() {
  while (wanted_) {
    Wanted wanted = *std::exchange(wanted_, std::nullopt);
    std::weak_ptr<LiveSession> weak = weak_from_this();
    auto on_read = [weak, range = wanted.range](const Result<DataBatch, StorageError>& batch) {
      std::shared_ptr<LiveSession> self = weak.lock();
      if (!self) return;
      self->reading_ = false;
      self->run([&] {
        if (batch) {
          self->session_.on_batch(range, *batch);
        } else {
          self->session_.on_read_failed(range, batch.error().transient);
        }
      });
    };
    const DataBatch* kept = world_.batches.read(wanted.range, wanted.bucket_name, session_.format(),
                                                std::move(on_read));
    reading_ = kept == nullptr;
    if (kept != nullptr) session_.on_batch(wanted.range, DataBatch(*kept));
  }
}

void LiveSession::resolve() {
  std::weak_ptr<LiveSession> weak = weak_from_this();
  world_.storage.resolve(resolve_request_, [weak](Result<Resolution, StorageError> resolution) {
    std::shared_ptr<LiveSession> self = weak.lock();
    if (!self) return;
    self->run([&] {
      if (resolution) {
        self->note_step(self->first_checkpoint_.resolved_ms);
        self->session_.on_resolved(std::move(*resolution));
        return;
      }
      const StorageError& error = resolution.error();
      spdlog::warn("resolve failed: {} {}", error.sqlstate, error.message);
      self->session_.on_resolve_failed(to_protocol_error(error), error.transient);
    });
  });
}

void LiveSession::attach(Resolution resolution) {
  world_.hub.attach(session_, std::move(resolution));
}

/// The checkpoint of a client with many buckets does not wait until its reads have been asked for.
void LiveSession::expect(const std::vector<ExpectedRead>& reads) {
  if (sink_->unflushed_bytes() > held_back_bytes_max) sink_->flush();
  std::vector<BatchReader::Expected> expected;
  expected.reserve(reads.size());
  for (const ExpectedRead& read : reads) expected.push_back({read.range, &read.bucket->name});
  world_.batches.expect(expected, session_.format());
}

void LiveSession::read(const OperationRange& range, const Bucket& bucket) {
  wanted_ = Wanted{range, bucket.name};
}

void LiveSession::send(SharedBytes line) {
  sink_->write(line);
  if (first_checkpoint_.resolved_ms) note_step(first_checkpoint_.announced_ms);
  if (session_.counters().checkpoints_completed > 0) note_step(first_checkpoint_.completed_ms);
}

void LiveSession::note_step(std::optional<int64_t>& step) {
  if (!step) step = world_.now_ms() - started_at_ms_;
}

bool LiveSession::writable() const {
  bool writable = sink_->writable();
  if (!writable) blocked_ = true;
  return writable;
}

int64_t LiveSession::keepalive_interval_ms() {
  return std::uniform_int_distribution<int64_t>(18'000, 22'000)(world_.random);
}

void LiveSession::refuse(const ProtocolError& error) {
  sink_->refuse(error);
  detach(CloseReason::failed);
}

void LiveSession::end(CloseReason reason) {
  sink_->finish();
  detach(reason);
}

void LiveSession::detach(CloseReason reason) {
  timer_.stop();
  wanted_.reset();
  if (!std::exchange(attached_, false)) return;
  world_.hub.remove(session_);
  world_.on_end(*this, reason);
}

}  // namespace brigade::sidecar
