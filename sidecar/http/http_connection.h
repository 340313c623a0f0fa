#pragma once

#include <functional>
#include <memory>

#include "http/exchange.h"
#include "http/request_parser.h"
#include "net/connection.h"

namespace brigade::sidecar {

/// Time limits against clients that hold a connection without using it.
struct HttpTimeouts {
  int64_t request_ms_max = 15'000;  ///< from the first byte of a request to its last
  int64_t idle_ms_max = 75'000;     ///< between two requests
  int64_t stalled_ms_max = 60'000;  ///< without the client taking any of what is queued
};

/// HTTP/1.1 on one connection: one request at a time, keep-alive, no pipelining (what follows a
/// request before its response is dropped, and the connection closed after the response).
class HttpConnection : public Connection::Handler {
 public:
  using Handle = std::function<void(const std::shared_ptr<Exchange>&)>;

  HttpConnection(Connection& connection, RequestLimits limits, HttpTimeouts timeouts,
                 const Handle& handle);

  void on_data(std::string_view bytes) override;
  void on_drained() override;
  void on_closed() override;
  void on_tick(int64_t now_ms) override;
  bool idle() const override { return !exchange_; }

 private:
  void dispatch();
  void on_responded();

  Connection& connection_;
  HttpTimeouts timeouts_;
  const Handle& handle_;
  RequestParser parser_;
  std::shared_ptr<Exchange> exchange_;
  int64_t since_ms_;  ///< when the request, or the wait for one, began
};

}  // namespace brigade::sidecar
