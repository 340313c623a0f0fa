#pragma once

#include <string>

#include "pg/spill_file.h"

namespace brigade {

// The messages that were decoded and not yet stored. A transaction of any size fits: beyond some
// megabytes they go to a temporary file.
class MessageLog {
 public:
  MessageLog();

  // Encoders append whole messages here.
  std::string& buffer() { return buffer_; }
  // To be called between messages.
  void spill_if_large();

  // In bytes, with those in the file.
  size_t size() const { return spilled_bytes_ + buffer_.size(); }
  bool empty() const { return size() == 0; }

  // Calls use(part) for all messages, in parts that end between messages. REQUIRES: called once,
  // and then clear().
  template <typename Use>
  void consume(Use&& use) {
    std::string part;
    while (file_.read(part)) use(part);
    use(buffer_);
  }
  void clear();

 private:
  std::string buffer_;
  size_t spilled_bytes_ = 0;
  pg::SpillFile file_;
};

}  // namespace brigade
