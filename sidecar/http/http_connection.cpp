#include "http/http_connection.h"

#include <utility>

namespace brigade::sidecar {

void Exchange::respond(const HttpResponse& response) {
  if (!open()) return;
  // A stream that was refused before it began owns the connection no more.
  std::shared_ptr<StreamOwner> owner = std::exchange(owner_, nullptr);
  bool close = close_after_ || !request.keep_alive;
  connection_->send(serialize(response, close));
  if (close) {
    connection_->finish();
  } else {
    connection_->flush();
  }
  if (on_responded_) std::exchange(on_responded_, nullptr)();
}

void Exchange::take_over(std::shared_ptr<StreamOwner> owner) {
  owner_ = std::move(owner);
  bool keep_alive = request.keep_alive;
  request = {};
  request.keep_alive = keep_alive;
  if (open()) connection_->resume_reading();
}

HttpConnection::HttpConnection(Connection& connection, RequestLimits limits, HttpTimeouts timeouts,
                               const Handle& handle)
    : connection_(connection),
      timeouts_(timeouts),
      handle_(handle),
      parser_(limits),
      since_ms_(connection.now_ms()) {}

void HttpConnection::on_data(std::string_view bytes) {
  if (connection_.closing()) return;
  if (exchange_) {
    bool welcome = exchange_->owner_ && exchange_->owner_->on_bytes(bytes);
    if (!welcome && exchange_->owner_) connection_.close();
    exchange_->close_after_ = true;
    return;
  }
  if (parser_.untouched()) since_ms_ = connection_.now_ms();
  size_t used = parser_.feed(bytes);
  if (parser_.status() == RequestParser::Status::failed) {
    connection_.send(serialize(parser_.failure(), true));
    connection_.finish();
  } else if (parser_.status() == RequestParser::Status::complete) {
    exchange_ = std::make_shared<Exchange>(connection_);
    bool upgrade = parser_.is_upgrade();
    exchange_->close_after_ = used < bytes.size() || upgrade;
    dispatch();
    // What followed an upgrade request is the new protocol's.
    if (upgrade && used < bytes.size()) on_data(bytes.substr(used));
  }
}

void HttpConnection::dispatch() {
  exchange_->request = parser_.take();
  exchange_->on_responded_ = [this] { on_responded(); };
  // Held here: a response that is given at once lets go of `exchange_`.
  std::shared_ptr<Exchange> exchange = exchange_;
  handle_(exchange);
}

void HttpConnection::on_responded() {
  exchange_.reset();
  since_ms_ = connection_.now_ms();
}

void HttpConnection::on_drained() {
  if (exchange_ && exchange_->owner_) exchange_->owner_->on_drained();
}

void HttpConnection::on_closed() {
  if (!exchange_) return;
  exchange_->connection_ = nullptr;
  exchange_->on_responded_ = nullptr;
  if (exchange_->owner_) std::exchange(exchange_->owner_, nullptr)->on_closed();
}

void HttpConnection::on_tick(int64_t now_ms) {
  bool stalled = now_ms - connection_.progress_at_ms() > timeouts_.stalled_ms_max;
  bool waiting = !exchange_;
  int64_t limit_ms = parser_.untouched() ? timeouts_.idle_ms_max : timeouts_.request_ms_max;
  if (stalled && exchange_ && exchange_->owner_) exchange_->owner_->on_stalled();
  if (stalled || (waiting && now_ms - since_ms_ > limit_ms)) {
    connection_.close();
  } else if (exchange_ && exchange_->owner_) {
    exchange_->owner_->on_tick(now_ms);
  }
}

}  // namespace brigade::sidecar
