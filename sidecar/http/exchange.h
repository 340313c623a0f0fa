#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/message.h"
#include "net/connection.h"

namespace brigade::sidecar {

/// Who uses a connection for longer than one response: a stream.
class StreamOwner {
 public:
  virtual ~StreamOwner() = default;
  virtual void on_drained() = 0;
  /// The client has taken nothing for too long; the connection is closed next.
  virtual void on_stalled() {}
  /// The client is gone. The last call.
  virtual void on_closed() = 0;
  /// Bytes that came after the upgrade request; false refuses them, and ends the connection.
  virtual bool on_bytes(std::string_view) { return false; }
  virtual void on_tick(int64_t) {}
};

/// One request and its answer. The answer may come any time later: when the client has gone
/// meanwhile, it goes nowhere.
class Exchange {
 public:
  explicit Exchange(Connection& connection) : connection_(&connection) {}

  HttpRequest request;

  bool open() const { return connection_ != nullptr && !connection_->closing(); }
  /// REQUIRES: open().
  Connection& connection() { return *connection_; }

  void respond(const HttpResponse& response);
  void respond(const ProtocolError& error) { respond(HttpResponse::error(error)); }
  /// From now on the connection's events go to `owner`, and its bytes are the owner's business.
  void take_over(std::shared_ptr<StreamOwner> owner);

 private:
  friend class HttpConnection;

  Connection* connection_;  ///< null once it is closed
  std::function<void()> on_responded_;
  std::shared_ptr<StreamOwner> owner_;
  bool close_after_ = false;
};

}  // namespace brigade::sidecar
