#include "decoding/message_log.h"

namespace brigade {

namespace {

// More than a storage commit gathers, so that only large transactions touch the disk.
constexpr size_t buffer_bytes_max = 5 << 20;
// What a message may add to it without having the buffer doubled.
constexpr size_t message_bytes = 64 << 10;

}  // namespace

MessageLog::MessageLog() { buffer_.reserve(buffer_bytes_max + message_bytes); }

void MessageLog::spill_if_large() {
  if (buffer_.size() < buffer_bytes_max) return;
  file_.append(buffer_);
  spilled_bytes_ += buffer_.size();
  buffer_.clear();
}

void MessageLog::clear() {
  buffer_.clear();
  spilled_bytes_ = 0;
  file_.clear();
}

}  // namespace brigade
