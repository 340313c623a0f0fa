#include "net/listener.h"

#include <netinet/in.h>

#include <utility>

namespace brigade::sidecar {

namespace {

constexpr int backlog = 4096;
constexpr int64_t tick_ms = 1'000;

void close_and_delete(uv_tcp_t* socket) {
  uv_close(reinterpret_cast<uv_handle_t*>(socket),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); });
}

int bind_address(uv_tcp_t* socket, const std::string& host, int port) {
  sockaddr_in v4;
  if (uv_ip4_addr(host.c_str(), port, &v4) == 0) {
    return uv_tcp_bind(socket, reinterpret_cast<const sockaddr*>(&v4), 0);
  }
  sockaddr_in6 v6;
  int status = uv_ip6_addr(host.c_str(), port, &v6);
  return status != 0 ? status : uv_tcp_bind(socket, reinterpret_cast<const sockaddr*>(&v6), 0);
}

}  // namespace

Listener::Listener(uv_loop_t* loop, MakeHandler make_handler, MakeFilter make_filter)
    : socket_(new uv_tcp_t),
      make_handler_(std::move(make_handler)),
      make_filter_(std::move(make_filter)),
      ticker_(loop, [this] { tick(); }) {
  uv_tcp_init(loop, socket_);
  socket_->data = this;
}

Listener::~Listener() { stop(); }

std::string Listener::listen(const std::string& host, int port) {
  int status = bind_address(socket_, host, port);
  if (status == 0) {
    status = uv_listen(reinterpret_cast<uv_stream_t*>(socket_), backlog,
                       [](uv_stream_t* server, int accept_status) {
                         static_cast<Listener*>(server->data)->on_connection(accept_status);
                       });
  }
  if (status != 0) {
    return "cannot listen on " + host + ":" + std::to_string(port) + ": " + uv_strerror(status);
  }
  ticker_.start(tick_ms);
  return "";
}

int Listener::port() const {
  sockaddr_storage address{};
  int length = sizeof address;
  uv_tcp_getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
  // The port stands at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

void Listener::stop() {
  if (socket_ != nullptr) close_and_delete(std::exchange(socket_, nullptr));
}

void Listener::on_connection(int status) {
  if (status != 0) return;
  Connection* connection =
      Connection::accept(reinterpret_cast<uv_stream_t*>(socket_), make_filter_());
  if (connection == nullptr) return;
  connection->index_in_server = connections_.size();
  connections_.push_back(connection);
  connection->on_deleted = [this](Connection& deleted) { forget(deleted); };
  connection->start(make_handler_(*connection));
  if (connections_.size() > connections_max_) connection->close();
}

void Listener::forget(Connection& connection) {
  size_t index = connection.index_in_server;
  connections_[index] = connections_.back();
  connections_[index]->index_in_server = index;
  connections_.pop_back();
}

void Listener::tick() {
  auto now_ms = static_cast<int64_t>(0);
  // Closing a connection removes it from the list only later, in libuv's close callback.
  for (Connection* connection : connections_) {
    if (now_ms == 0) now_ms = connection->now_ms();
    connection->tick(now_ms);
  }
  ticker_.start(tick_ms);
}

}  // namespace brigade::sidecar
