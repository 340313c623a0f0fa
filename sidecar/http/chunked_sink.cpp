#include "http/chunked_sink.h"

#include <array>
#include <cstdio>
#include <utility>

namespace brigade::sidecar {

namespace {

/// More than this waiting for one client, and its session pauses. Enough to fill a fast line while
/// the next batch is read.
constexpr size_t queued_bytes_max = 1 << 20;

constexpr size_t copied_bytes_max = 4096;

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

ChunkedSink::ChunkedSink(std::shared_ptr<Exchange> exchange, std::string_view content_type,
                         ContentCoding coding)
    : exchange_(std::move(exchange)),
      content_type_(content_type),
      coding_(coding),
      compressor_(make_compressor(coding)) {}

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
  if (compressor_) head.append("\r\ncontent-encoding: ").append(name_of(coding_));
  head += "\r\nx-accel-buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n";
  exchange_->connection().send(std::move(head));
}

void ChunkedSink::flush() {
  std::vector<SharedBytes> pieces = std::exchange(lines_, {});
  line_bytes_ = 0;
  if (pieces.empty() || !exchange_->open()) return;
  if (compressor_) {
    for (SharedBytes& piece : pieces) piece = compressor_->compress(piece);
  }
  send_chunk(pieces);
  exchange_->connection().flush();
}

void ChunkedSink::send_chunk(const std::vector<SharedBytes>& pieces) {
  size_t size = 0;
  for (const SharedBytes& piece : pieces) size += piece->size();
  send_head();
  // A chunk of size 0 would end the body.
  if (size == 0) return;
  Connection& connection = exchange_->connection();
  std::string text = chunk_head(size);
  // A few short lines are cheaper to copy than to hand to the kernel one by one.
  bool copy = size <= copied_bytes_max;
  if (copy) {
    text.reserve(text.size() + size + 2);
    for (const SharedBytes& piece : pieces) text += *piece;
    text += "\r\n";
    connection.send(std::move(text));
  } else {
    connection.send(std::move(text));
    for (const SharedBytes& piece : pieces) connection.send(piece);
    connection.send(chunk_end());
  }
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
  if (compressor_) {
    send_chunk({std::make_shared<const std::string>(compressor_->finish())});
  } else {
    send_head();
  }
  exchange_->connection().send(std::string("0\r\n\r\n"));
  exchange_->connection().finish();
}

}  // namespace brigade::sidecar
