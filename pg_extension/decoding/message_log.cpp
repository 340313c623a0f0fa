#include "decoding/message_log.h"

namespace brigade {

namespace {

// More than a storage commit gathers, so that only large transactions touch the disk.
constexpr size_t buffer_bytes_max = 16 << 20;

}  // namespace

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
