#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/exchange.h"
#include "net/websocket.h"
#include "protocol/rsocket.h"
#include "session/line_sink.h"
#include "session/live_session.h"

namespace brigade::sidecar {

class RSocketConnection;

/// Sends lines as payloads of one RSocket stream, as many as the client asked for.
class RSocketSink : public LineSink {
 public:
  RSocketSink(std::weak_ptr<RSocketConnection> connection, uint32_t stream_id, uint32_t request_n)
      : connection_(std::move(connection)), stream_id_(stream_id), credit_(request_n) {}

  void write(const SharedBytes& line) override;
  void flush() override;
  size_t unflushed_bytes() const override { return lines_.empty() ? 0 : SIZE_MAX; }
  bool writable() const override;
  void refuse(const ProtocolError& error) override;
  void finish() override;
  uint64_t bytes_synced() const override { return bytes_synced_; }
  uint64_t bytes_sent() const override { return bytes_synced_; }
  void add_credit(uint32_t request_n);

 private:
  std::weak_ptr<RSocketConnection> connection_;
  std::deque<SharedBytes> lines_;
  uint32_t stream_id_;
  uint64_t credit_;
  uint64_t bytes_synced_ = 0;
};

/// One client's WebSocket that speaks RSocket: SETUP, one request stream, keepalives.
class RSocketConnection : public StreamOwner,
                          public std::enable_shared_from_this<RSocketConnection> {
 public:
  struct Request {
    std::string authorization;
    std::string user_agent;
    std::string path;
    std::string body;
  };
  /// Starts a session that writes into the sink; called with every request stream. It answers at
  /// once or later through `set_session` or the sink's `refuse`.
  using OnRequest = std::function<void(std::shared_ptr<RSocketConnection>, Request,
                                       std::unique_ptr<RSocketSink>)>;

  RSocketConnection(std::shared_ptr<Exchange> exchange, size_t message_bytes_max,
                    OnRequest on_request);

  void set_session(std::shared_ptr<LiveSession> session, RSocketSink* sink);
  bool open() const { return exchange_->open(); }
  size_t queued_bytes() const { return exchange_->connection().queued_bytes(); }
  void send(std::string head, const SharedBytes& body) { socket_.send(std::move(head), body); }
  void flush();
  /// Ends the stream's part; the client closes the socket.
  void forget_session();

  bool on_bytes(std::string_view bytes) override;
  void on_drained() override;
  void on_stalled() override;
  void on_closed() override;
  void on_tick(int64_t now_ms) override;

 private:
  void on_message(std::string_view message);
  void on_setup(const RSocketFrame& frame);
  void on_request_stream(const RSocketFrame& frame);
  void on_request_n(const RSocketFrame& frame);
  void on_cancel(const RSocketFrame& frame);
  void fail(uint32_t stream_id, uint32_t code, std::string_view message);

  std::shared_ptr<Exchange> exchange_;
  WebSocket socket_;
  OnRequest on_request_;
  std::optional<Request> setup_;
  std::shared_ptr<LiveSession> session_;
  RSocketSink* sink_ = nullptr;  ///< owned by the session
  uint32_t stream_id_ = 0;       ///< 0: no request yet
  int64_t heard_at_ms_;
  int64_t lifetime_ms_ = 90'000;
  bool broken_ = false;
};

}  // namespace brigade::sidecar
