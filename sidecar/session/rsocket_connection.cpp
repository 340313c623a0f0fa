#include "session/rsocket_connection.h"

#include <utility>

#include "protocol/bounded_json.h"

namespace brigade::sidecar {

namespace {

constexpr size_t queued_bytes_max = 1 << 20;

std::string text_member(const std::optional<Json>& object, const char* name) {
  if (!object || !object->is_object()) return "";
  auto member = object->find(name);
  return member != object->end() && member->is_string() ? member->get<std::string>() : "";
}

}  // namespace

void RSocketSink::write(const SharedBytes& line) {
  bytes_synced_ += line->size();
  lines_.push_back(line);
}

void RSocketSink::flush() {
  std::shared_ptr<RSocketConnection> connection = connection_.lock();
  if (!connection || !connection->open()) return;
  while (!lines_.empty() && credit_ > 0) {
    credit_--;
    connection->send(rsocket_payload_head(stream_id_), lines_.front());
    lines_.pop_front();
  }
  connection->flush();
}

bool RSocketSink::writable() const {
  std::shared_ptr<RSocketConnection> connection = connection_.lock();
  return connection && connection->open() && lines_.size() < credit_ + 1 &&
         connection->queued_bytes() < queued_bytes_max;
}

void RSocketSink::add_credit(uint32_t request_n) {
  credit_ += request_n;
  flush();
}

void RSocketSink::refuse(const ProtocolError& error) {
  std::shared_ptr<RSocketConnection> connection = connection_.lock();
  if (!connection || !connection->open()) return;
  std::string details = error.details.empty() ? "" : ": " + error.details;
  connection->send(rsocket_error(stream_id_, rsocket_application_error,
                                 "[" + error.code + "] " + error.description + details),
                   nullptr);
  connection->flush();
  connection->forget_session();
}

void RSocketSink::finish() {
  flush();
  std::shared_ptr<RSocketConnection> connection = connection_.lock();
  if (!connection || !connection->open()) return;
  connection->send(rsocket_complete(stream_id_), nullptr);
  connection->flush();
  connection->forget_session();
}

RSocketConnection::RSocketConnection(std::shared_ptr<Exchange> exchange, size_t message_bytes_max,
                                     OnRequest on_request)
    : exchange_(std::move(exchange)),
      socket_(exchange_->connection(), message_bytes_max,
              [this](std::string_view message) { on_message(message); }),
      on_request_(std::move(on_request)),
      heard_at_ms_(exchange_->connection().now_ms()) {}

void RSocketConnection::set_session(std::shared_ptr<LiveSession> session, RSocketSink* sink) {
  session_ = std::move(session);
  sink_ = sink;
}

void RSocketConnection::forget_session() {
  sink_ = nullptr;
  stream_id_ = 0;
  // The session is in the middle of ending: whoever calls it holds it.
  session_.reset();
}

void RSocketConnection::flush() {
  if (exchange_->open()) exchange_->connection().flush();
}

bool RSocketConnection::on_bytes(std::string_view bytes) {
  heard_at_ms_ = exchange_->connection().now_ms();
  std::shared_ptr<RSocketConnection> self = shared_from_this();
  return socket_.receive(bytes) && !broken_;
}

void RSocketConnection::on_message(std::string_view message) {
  using Type = RSocketFrame::Type;
  std::optional<RSocketFrame> frame = parse_rsocket_frame(message);
  if (broken_ || !exchange_->open()) return;
  if (!frame || (!setup_ && frame->type != Type::setup)) {
    fail(0, rsocket_rejected_setup, "a SETUP frame is expected");
    return;
  }
  switch (frame->type) {
    case Type::setup:
      on_setup(*frame);
      break;
    case Type::request_stream:
      on_request_stream(*frame);
      break;
    case Type::request_n:
      on_request_n(*frame);
      break;
    case Type::cancel:
      on_cancel(*frame);
      break;
    case Type::keepalive:
      if (frame->respond) send(rsocket_keepalive_answer(*frame), nullptr);
      break;
    default:
      break;
  }
  flush();
}

void RSocketConnection::on_setup(const RSocketFrame& frame) {
  std::optional<Json> metadata = parse_bounded_json(frame.metadata);
  setup_ = Request{text_member(metadata, "token"), text_member(metadata, "user_agent"), "", ""};
  if (frame.lifetime_ms > 0) lifetime_ms_ = frame.lifetime_ms;
}

void RSocketConnection::on_request_stream(const RSocketFrame& frame) {
  if (frame.follows || stream_id_ != 0) {
    const char* problem =
        frame.follows ? "fragments are not supported" : "one stream a connection is supported";
    fail(frame.stream_id, rsocket_rejected, problem);
    return;
  }
  stream_id_ = frame.stream_id;
  Request request = *setup_;
  request.path = text_member(parse_bounded_json(frame.metadata), "path");
  request.body = frame.data;
  auto sink = std::make_unique<RSocketSink>(weak_from_this(), stream_id_, frame.request_n);
  on_request_(shared_from_this(), std::move(request), std::move(sink));
}

void RSocketConnection::on_request_n(const RSocketFrame& frame) {
  if (frame.stream_id != stream_id_ || sink_ == nullptr) return;
  std::shared_ptr<LiveSession> session = session_;
  sink_->add_credit(frame.request_n);
  session->on_drained();
}

void RSocketConnection::on_cancel(const RSocketFrame& frame) {
  if (frame.stream_id != stream_id_ || !session_) return;
  std::shared_ptr<LiveSession> session = std::exchange(session_, nullptr);
  sink_ = nullptr;
  stream_id_ = 0;
  session->on_closed();
}

void RSocketConnection::fail(uint32_t stream_id, uint32_t code, std::string_view message) {
  send(rsocket_error(stream_id, code, message), nullptr);
  flush();
  broken_ = broken_ || stream_id == 0;
}

void RSocketConnection::on_drained() {
  if (std::shared_ptr<LiveSession> session = session_) session->on_drained();
}

void RSocketConnection::on_stalled() {
  if (std::shared_ptr<LiveSession> session = session_) session->on_stalled();
}

void RSocketConnection::on_closed() {
  sink_ = nullptr;
  if (std::shared_ptr<LiveSession> session = std::exchange(session_, nullptr)) {
    session->on_closed();
  }
}

void RSocketConnection::on_tick(int64_t now_ms) {
  if (now_ms - heard_at_ms_ > lifetime_ms_ && exchange_->open()) exchange_->connection().close();
}

}  // namespace brigade::sidecar
