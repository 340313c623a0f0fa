#include "net/connection.h"

#include <algorithm>
#include <array>
#include <utility>

namespace brigade::sidecar {

namespace {

constexpr size_t buffers_per_write_max = 64;
constexpr int64_t linger_ms_max = 2'000;

/// Every read is worked on before the next, so that all connections share one buffer.
std::array<char, 64 * 1024> read_buffer;

uv_stream_t* as_stream(uv_tcp_t* socket) { return reinterpret_cast<uv_stream_t*>(socket); }

}  // namespace

Connection* Connection::accept(uv_stream_t* server, std::unique_ptr<ByteFilter> filter) {
  auto* connection = new Connection;
  connection->filter_ = std::move(filter);
  uv_tcp_init(server->loop, &connection->socket_);
  connection->socket_.data = connection;
  if (uv_accept(server, as_stream(&connection->socket_)) != 0) {
    connection->close();
    return nullptr;
  }
  uv_tcp_nodelay(&connection->socket_, 1);
  // Finds peers that vanished without a word.
  uv_tcp_keepalive(&connection->socket_, 1, 60);
  connection->progress_at_ms_ = connection->now_ms();
  return connection;
}

int64_t Connection::now_ms() const { return static_cast<int64_t>(uv_now(socket_.loop)); }

void Connection::start(std::unique_ptr<Handler> handler) {
  handler_ = std::move(handler);
  resume_reading();
}

void Connection::resume_reading() {
  if (closing_) return;
  auto allocate = [](uv_handle_t*, size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(read_buffer.data(), static_cast<unsigned>(read_buffer.size()));
  };
  uv_read_start(as_stream(&socket_), allocate,
                [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
                  static_cast<Connection*>(stream->data)->on_read(size, buffer);
                });
}

void Connection::pause_reading() { uv_read_stop(as_stream(&socket_)); }

void Connection::on_read(ssize_t size, const uv_buf_t* buffer) {
  if (size < 0) {
    close();
  } else if (size > 0 && !finishing_) {
    deliver({buffer->base, static_cast<size_t>(size)});
  }
}

void Connection::deliver(std::string_view bytes) {
  if (!filter_) {
    handler_->on_data(bytes);
    return;
  }
  std::string to_handler;
  std::string to_peer;
  bool valid = filter_->receive(bytes, to_handler, to_peer);
  if (!to_peer.empty()) {
    encrypt_queue();
    queued_bytes_ += to_peer.size();
    queue_.push_back(std::make_shared<const std::string>(std::move(to_peer)));
    flush();
  }
  if (!valid) {
    close();
  } else if (!to_handler.empty() && !closing_) {
    handler_->on_data(to_handler);
  }
}

void Connection::send(SharedBytes bytes) {
  if (closing_ || finishing_ || bytes->empty()) return;
  queued_bytes_ += bytes->size();
  queue_.push_back(std::move(bytes));
  if (filter_) clear_count_++;
}

void Connection::send(std::string bytes) {
  send(std::make_shared<const std::string>(std::move(bytes)));
}

/// Replaces what is queued in clear by its encrypted form.
void Connection::encrypt_queue() {
  if (clear_count_ == 0) return;
  std::string encrypted;
  size_t first = queue_.size() - std::exchange(clear_count_, 0);
  for (size_t i = first; i < queue_.size(); i++) {
    queued_bytes_ -= queue_[i]->size();
    if (!filter_->send(*queue_[i], encrypted)) {
      close();
      return;
    }
  }
  queue_.resize(first);
  queued_bytes_ += encrypted.size();
  if (encrypted.empty()) return;
  queue_.push_back(std::make_shared<const std::string>(std::move(encrypted)));
}

void Connection::flush() {
  if (closing_) return;
  encrypt_queue();
  if (writing_ || closing_) return;
  while (!queue_.empty()) {
    if (write_now()) continue;
    if (!closing_) write_later();
    return;
  }
  if (finishing_) linger();
}

void Connection::linger() {
  if (std::exchange(lingering_, true)) return;
  lingering_since_ms_ = now_ms();
  if (uv_shutdown(&shutdown_, as_stream(&socket_), nullptr) != 0) {
    close();
    return;
  }
  resume_reading();
}

size_t Connection::gather(uv_buf_t* buffers, size_t buffer_count_max) const {
  size_t count = std::min(queue_.size(), buffer_count_max);
  for (size_t i = 0; i < count; i++) {
    size_t offset = i == 0 ? first_offset_ : 0;
    // libuv only reads from it.
    buffers[i] = uv_buf_init(const_cast<char*>(queue_[i]->data()) + offset,
                             static_cast<unsigned>(queue_[i]->size() - offset));
  }
  return count;
}

/// False when the kernel takes no more for now, or the connection is broken.
bool Connection::write_now() {
  std::array<uv_buf_t, buffers_per_write_max> buffers;
  size_t count = gather(buffers.data(), buffers.size());
  int written = uv_try_write(as_stream(&socket_), buffers.data(), static_cast<unsigned>(count));
  if (written == UV_EAGAIN) return false;
  if (written < 0) {
    close();
    return false;
  }
  consume(static_cast<size_t>(written));
  return true;
}

void Connection::write_later() {
  std::array<uv_buf_t, buffers_per_write_max> buffers;
  size_t count = gather(buffers.data(), buffers.size());
  write_bytes_ = 0;
  for (size_t i = 0; i < count; i++) write_bytes_ += buffers[i].len;
  writing_ = true;
  write_.data = this;
  int status = uv_write(&write_, as_stream(&socket_), buffers.data(), static_cast<unsigned>(count),
                        [](uv_write_t* write, int write_status) {
                          static_cast<Connection*>(write->data)->on_written(write_status);
                        });
  if (status == 0) return;
  writing_ = false;
  close();
}

void Connection::on_written(int status) {
  writing_ = false;
  if (closing_) return;
  if (status < 0) {
    close();
    return;
  }
  consume(write_bytes_);
  flush();
  if (!closing_ && !writing_) handler_->on_drained();
}

void Connection::consume(size_t bytes) {
  progress_at_ms_ = now_ms();
  bytes_written_ += bytes;
  queued_bytes_ -= bytes;
  first_offset_ += bytes;
  size_t done = 0;
  while (done < queue_.size() && first_offset_ >= queue_[done]->size()) {
    first_offset_ -= queue_[done]->size();
    done++;
  }
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(done));
}

void Connection::finish() {
  if (closing_ || finishing_) return;
  if (filter_) {
    encrypt_queue();
    std::string farewell;
    filter_->finish(farewell);
    queued_bytes_ += farewell.size();
    queue_.push_back(std::make_shared<const std::string>(std::move(farewell)));
  }
  finishing_ = true;
  flush();
}

void Connection::close() {
  if (std::exchange(closing_, true)) return;
  uv_close(reinterpret_cast<uv_handle_t*>(&socket_), [](uv_handle_t* handle) {
    auto* connection = static_cast<Connection*>(handle->data);
    if (connection->handler_) connection->handler_->on_closed();
    if (connection->on_deleted) connection->on_deleted(*connection);
    delete connection;
  });
}

void Connection::close_when_idle() {
  if (!closing_ && queue_.empty() && (lingering_ || handler_->idle())) close();
}

void Connection::tick(int64_t now_ms) {
  if (queue_.empty()) progress_at_ms_ = now_ms;
  if (closing_) return;
  if (!lingering_) {
    handler_->on_tick(now_ms);
  } else if (now_ms - lingering_since_ms_ > linger_ms_max) {
    close();
  }
}

}  // namespace brigade::sidecar
