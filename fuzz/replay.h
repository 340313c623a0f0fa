#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "targets.h"

namespace brigade::fuzz {

struct Target {
  const char* name;  // and the folder of its seeds
  void (*run)(std::string_view);
};

// Runs a target on its seeds. A broken promise aborts the test program, after telling which.
inline void replay(const Target& target) {
  const auto folder = std::filesystem::path(BRIGADE_SOURCE_DIR) / "fuzz" / "corpus" / target.name;
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    target.run(std::string(std::istreambuf_iterator<char>(file), {}));
    count++;
  }
  EXPECT_GT(count, 5U);
}

}  // namespace brigade::fuzz
