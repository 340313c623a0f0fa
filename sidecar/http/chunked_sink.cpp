#include "http/chunked_sink.h"

#include <array>
#include <cstdio>
#include <utility>

namespace brigade::sidecar {

namespace {

/// More than this waiting for one client, and its session pauses. Enough to fill a fast line while
/// the next batch is read.
constexpr size_t queued_bytes_max = 1 << 20;

std::string chunk_head(size_t size) {
  std::array<char, 24> text;
  int length = std::snprintf(text.data(), text.size(), "%zx\r\n", size);
  return {text.data(), static_cast<size_t>(length)};
}

const SharedBytes& chunk_end() {
  static const SharedBytes end = std::make_shared<const std::string>("\r\n");
  return end;
}

}  // namespace

ChunkedSink::ChunkedSink(std::shared_ptr<Exchange> exchange, std::string_view content_type)
    : exchange_(std::move(exchange)), content_type_(content_type) {}

void ChunkedSink::write(const SharedBytes& line) {
  bytes_synced_ += line->size();
  line_bytes_ += line->size();
  lines_.push_back(line);
}

void ChunkedSink::send_head() {
  if (std::exchange(head_sent_, true)) return;
  std::string head = response_head(200);
  head += "content-type: ";
  head += content_type_;
  head += "\r\nx-accel-buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n";
  exchange_->connection().send(std::move(head));
}

void ChunkedSink::flush() {
  std::vector<SharedBytes> lines = std::exchange(lines_, {});
  size_t size = std::exchange(line_bytes_, 0);
  if (lines.empty() || !exchange_->open()) return;
  send_head();
  Connection& connection = exchange_->connection();
  connection.send(chunk_head(size));
  for (SharedBytes& line : lines) connection.send(std::move(line));
  connection.send(chunk_end());
  connection.flush();
  bytes_sent_ += size;
}

bool ChunkedSink::writable() const {
  return exchange_->open() &&
         exchange_->connection().queued_bytes() + line_bytes_ < queued_bytes_max;
}

void ChunkedSink::refuse(const ProtocolError& error) {
  if (head_sent_) {
    finish();
  } else {
    exchange_->respond(error);
  }
}

void ChunkedSink::finish() {
  flush();
  if (!exchange_->open()) return;
  send_head();
  exchange_->connection().send(std::string("0\r\n\r\n"));
  exchange_->connection().finish();
}

}  // namespace brigade::sidecar
