#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace brigade {

// How many rows to copy at a time. What is committed while a chunk is read or stored waits for it,
// so a chunk takes about the same time whatever its rows and the machine.
class ChunkSize {
 public:
  using Duration = std::chrono::steady_clock::duration;
  static constexpr Duration goal = std::chrono::milliseconds(20);
  static constexpr int64_t rows_min = 500;
  static constexpr int64_t rows_max = 4000;

  int64_t rows() const { return rows_; }

  // A chunk of so many rows took so long. REQUIRES: more than no time.
  void learn(int64_t rows, Duration taken) {
    const int64_t fitting = rows * goal.count() / taken.count();
    rows_ = std::clamp((rows_ + fitting) / 2, rows_min, rows_max);
  }

 private:
  int64_t rows_ = 1000;
};

}  // namespace brigade
