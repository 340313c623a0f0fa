#pragma once

#include <cstddef>
#include <string>
#include <string_view>

struct BufFile;

namespace brigade::pg {

// A temporary file of the server's that holds byte strings, in order. It lives across transactions,
// counts against temp_file_limit, and is gone with the process at the latest.
class SpillFile {
 public:
  SpillFile() = default;
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  bool empty() const { return parts_ == 0; }
  // REQUIRES: nothing was read since clear(). Throws Error.
  void append(std::string_view part);
  // The next part, from the first on; false after the last. Throws Error.
  bool read(std::string& part);
  void clear();

 private:
  BufFile* file_ = nullptr;
  size_t parts_ = 0;
  size_t read_ = 0;
};

}  // namespace brigade::pg
