#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "auth/authenticator.h"
#include "http/router.h"
#include "metrics/metrics.h"
#include "protocol/stream_request.h"
#include "session/live_session.h"
#include "session/rsocket_connection.h"

namespace brigade::sidecar {

struct SyncLimits {
  size_t connections_max = 10'000;
  int64_t buckets_max = 10'000;
  int64_t parameter_results_max = 10'000;
  size_t body_bytes_max = 1 << 20;
};

/// The endpoints that client SDKs use: the stream and write checkpoints.
class SyncEndpoints {
 public:
  SyncEndpoints(SessionWorld& world, Authenticator& authenticator, SyncLimits limits)
      : world_(world), authenticator_(authenticator), limits_(limits) {}

  void add_to(Router& router);
  /// New limits for new streams.
  void configure(SyncLimits limits) { limits_ = limits; }
  /// Ends all streams and refuses new ones.
  void shut_down();
  void on_storage_recovered();
  /// To be called when a session is over.
  void forget(LiveSession& session) { sessions_.erase(&session); }
  size_t session_count() const { return sessions_.size(); }
  /// Sums over the streams that are open.
  Counts open_stream_counts() const;

 private:
  using ExchangePointer = std::shared_ptr<Exchange>;
  using Admitted = std::function<void(const Result<Claims, ProtocolError>&)>;

  /// Calls `then` with who the client is, or why it may not come in.
  void admit(std::string_view authorization, const Admitted& then);
  /// Calls `then(claims)` if the client may come in, else answers.
  void admit(const ExchangePointer& exchange, std::function<void(const Claims&)> then);
  void stream(const ExchangePointer& exchange, const Claims& claims);
  void upgrade(const ExchangePointer& exchange);
  void stream_in_socket(const std::shared_ptr<RSocketConnection>& connection,
                        const RSocketConnection::Request& request,
                        std::unique_ptr<RSocketSink> sink, const Claims& claims);
  /// The request, or why it is refused.
  Result<StreamRequest, ProtocolError> parse(std::string_view body) const;
  std::shared_ptr<LiveSession> make_session(StreamRequest request, const Claims& claims,
                                            LineFormat format, std::unique_ptr<LineSink> sink,
                                            LiveSession::Labels labels);
  void create_write_checkpoint(const ExchangePointer& exchange, const Claims& claims,
                               const std::string& client_id);
  void request_checkpoint(const ExchangePointer& exchange, const Claims& claims);
  template <class Visit>
  void for_each_session(Visit visit);

  SessionWorld& world_;
  Authenticator& authenticator_;
  SyncLimits limits_;
  std::unordered_set<LiveSession*> sessions_;
  bool shutting_down_ = false;
};

}  // namespace brigade::sidecar
