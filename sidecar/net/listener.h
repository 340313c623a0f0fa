#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/connection.h"
#include "net/timer.h"

namespace brigade::sidecar {

/// Listens on a TCP port and keeps its connections.
class Listener {
 public:
  /// Gives every new connection its handler.
  using MakeHandler = std::function<std::unique_ptr<Connection::Handler>(Connection&)>;
  /// Gives every new connection its filter; null: none.
  using MakeFilter = std::function<std::unique_ptr<ByteFilter>()>;

  Listener(uv_loop_t* loop, MakeHandler make_handler, MakeFilter make_filter);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  /// Port 0 takes any free one. The answer is an error text, empty on success.
  std::string listen(const std::string& host, int port);
  int port() const;
  /// Accepts no more; existing connections go on.
  void stop();
  /// The deadlines of what is left are watched no more.
  void stop_ticking() { ticker_.stop(); }
  size_t connection_count() const { return connections_.size(); }
  const std::vector<Connection*>& connections() const { return connections_; }
  /// Connections beyond this are closed as soon as they are accepted.
  void set_connections_max(size_t connections_max) { connections_max_ = connections_max; }

 private:
  void on_connection(int status);
  void forget(Connection& connection);
  void tick();

  uv_tcp_t* socket_;
  MakeHandler make_handler_;
  MakeFilter make_filter_;
  std::vector<Connection*> connections_;
  size_t connections_max_ = 100'000;
  Timer ticker_;
};

}  // namespace brigade::sidecar
