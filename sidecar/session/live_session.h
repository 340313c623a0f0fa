#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>

#include "fanout/batch_reader.h"
#include "fanout/hub.h"
#include "http/exchange.h"
#include "net/timer.h"
#include "session/line_sink.h"
#include "session/session.h"
#include "storage/storage.h"

namespace brigade::sidecar {

class LiveSession;

/// What all sessions of a process share.
struct SessionWorld {
  uv_loop_t* loop;
  Hub& hub;
  Storage& storage;
  BatchReader& batches;
  std::minstd_rand& random;
  /// Wall clock, milliseconds since 1970.
  std::function<int64_t()> now_ms;
  std::function<void(const LiveSession&)> on_start;
  /// Called when a session is over.
  std::function<void(LiveSession&, CloseReason)> on_end;
};

/// Connects a session with its client, the hub, storage and the clock.
class LiveSession : public SessionHost,
                    public StreamOwner,
                    public std::enable_shared_from_this<LiveSession> {
 public:
  struct Labels {
    std::string request_id;
    std::string user_agent;
    std::string app_metadata;
    std::string transport;  ///< `http-ndjson`, `http-bson` or `websocket`
    std::string coding;     ///< `gzip`, `zstd` or `identity`
  };

  /// Milliseconds from the start to the steps of the first checkpoint; empty: not reached.
  struct FirstCheckpoint {
    std::optional<int64_t> resolved_ms;   ///< its buckets were known
    std::optional<int64_t> announced_ms;  ///< its line was written
    std::optional<int64_t> completed_ms;  ///< all its data were
  };

  /// `resolve_request` is the argument of `brigade.resolve`.
  LiveSession(SessionWorld& world, SessionOptions options, std::string resolve_request,
              std::unique_ptr<LineSink> sink, Labels labels);
  ~LiveSession() override;

  void start();
  /// Ends the stream at a line boundary.
  void shut_down(CloseReason reason);
  void on_storage_recovered();

  const Session& session() const { return session_; }
  const LineSink& sink() const { return *sink_; }
  const Labels& labels() const { return labels_; }
  int64_t started_at_ms() const { return started_at_ms_; }
  const FirstCheckpoint& first_checkpoint() const { return first_checkpoint_; }

  void on_drained() override;
  void on_stalled() override;
  void on_closed() override;

 private:
  struct Wanted {
    OperationRange range;
    std::string bucket_name;
  };

  void resolve() override;
  void attach(Resolution resolution) override;
  void expect(const std::vector<ExpectedRead>& reads) override;
  bool holds(const OperationRange& range) const override {
    return world_.batches.holds(range, session_.format());
  }
  void read(const OperationRange& range, const Bucket& bucket) override;
  void send(SharedBytes line) override;
  bool writable() const override;
  int64_t now_ms() const override { return world_.now_ms(); }
  void set_timer(int64_t delay_ms) override { timer_.start(delay_ms); }
  int64_t keepalive_interval_ms() override;
  void refuse(const ProtocolError& error) override;
  void end(CloseReason reason) override;

  /// Calls `event` on the session unless it died meanwhile, then settles.
  template <class Event>
  void run(Event event);
  void settle();
  void note_step(std::optional<int64_t>& step);
  void take_wanted();
  bool may_hold_back() const;
  void detach(CloseReason reason);

  /// The hub speaks to the session directly; what the session then sends must be flushed.
  class SettlingSession : public Session {
   public:
    SettlingSession(SessionOptions options, LiveSession& live)
        : Session(std::move(options), live), live_(live) {}
    void on_attached(Attachment attachment) override;
    void on_commit(int64_t op_id) override;

   private:
    LiveSession& live_;
  };

  SessionWorld& world_;
  SettlingSession session_;
  std::string resolve_request_;
  std::unique_ptr<LineSink> sink_;
  Labels labels_;
  Timer timer_;
  std::optional<Wanted> wanted_;
  int64_t started_at_ms_;
  FirstCheckpoint first_checkpoint_;
  mutable bool blocked_ = false;  ///< the session was told that the client is slow
  bool reading_ = false;          ///< a batch was asked for and has not come
  bool attached_ = false;         ///< the hub knows it
};

ProtocolError to_protocol_error(const StorageError& error);

}  // namespace brigade::sidecar
