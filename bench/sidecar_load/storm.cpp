#include "storm.h"

#include "options.h"

namespace brigade::bench {

namespace {

struct Visit {
  uv_tcp_t socket;
  uv_connect_t connect;
  size_t* connected;
};

void on_connected(uv_connect_t* connect, int status) {
  auto* visit = static_cast<Visit*>(connect->data);
  *visit->connected += status == 0 ? 1 : 0;
  uv_tcp_close_reset(&visit->socket,
                     [](uv_handle_t* handle) { delete static_cast<Visit*>(handle->data); });
}

}  // namespace

void Storm::start(uv_loop_t* loop, int port, double rate) {
  port_ = port;
  rate_ = rate;
  started_ms_ = now_ms();
  uv_timer_init(loop, &timer_);
  timer_.data = this;
  uv_timer_start(
      &timer_, [](uv_timer_t* timer) { static_cast<Storm*>(timer->data)->tick(); }, 1, 1);
}

void Storm::tick() {
  auto due = static_cast<size_t>((now_ms() - started_ms_) / 1000 * rate_);
  for (; opened_ < due; opened_++) open();
}

void Storm::open() {
  auto* visit = new Visit{{}, {}, &connected_};
  uv_tcp_init(timer_.loop, &visit->socket);
  visit->socket.data = visit->connect.data = visit;
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", port_, &address);
  uv_tcp_connect(&visit->connect, &visit->socket, reinterpret_cast<sockaddr*>(&address),
                 on_connected);
}

}  // namespace brigade::bench
