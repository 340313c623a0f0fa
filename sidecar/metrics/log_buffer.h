#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace brigade::sidecar {

/// Writes whole lines to a file descriptor that may be a pipe which nobody reads, without ever
/// waiting for it: what it does not take yet is kept, and beyond a limit, lines are lost.
class LogBuffer {
 public:
  LogBuffer(int descriptor, size_t bytes_max) : descriptor_(descriptor), bytes_max_(bytes_max) {}
  ~LogBuffer() { flush(); }
  LogBuffer(const LogBuffer&) = delete;
  LogBuffer& operator=(const LogBuffer&) = delete;

  /// False if the line was lost.
  bool write(std::string_view line);
  /// Writes what can be written now.
  void flush();

 private:
  int descriptor_;
  size_t bytes_max_;
  std::string kept_;
};

}  // namespace brigade::sidecar
