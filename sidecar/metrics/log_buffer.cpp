#include "metrics/log_buffer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace brigade::sidecar {

bool LogBuffer::write(std::string_view line) {
  flush();
  if (kept_.size() + line.size() > bytes_max_) return false;
  kept_ += line;
  flush();
  return true;
}

void LogBuffer::flush() {
  size_t written = 0;
  // The descriptor is shared with other processes, so it must stay one that blocks. One that is
  // ready for output takes this many bytes at once.
  constexpr size_t piece_size = PIPE_BUF;
  pollfd ready{descriptor_, POLLOUT, 0};
  while (written < kept_.size() && poll(&ready, 1, 0) == 1) {
    size_t size = std::min(piece_size, kept_.size() - written);
    ssize_t count = ::write(descriptor_, kept_.data() + written, size);
    if (count < 0 && errno == EINTR) continue;
    // A descriptor that fails will take nothing any more.
    written = count < 0 ? kept_.size() : written + static_cast<size_t>(count);
  }
  kept_.erase(0, written);
}

}  // namespace brigade::sidecar
