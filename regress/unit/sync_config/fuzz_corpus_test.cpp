#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "targets.h"

namespace brigade {
namespace {

struct Target {
  const char* name;
  void (*run)(std::string_view);
};

class FuzzCorpus : public testing::TestWithParam<Target> {};

// A broken promise aborts the test program, after telling which.
TEST_P(FuzzCorpus, EveryPromiseHolds) {
  const auto folder =
      std::filesystem::path(BRIGADE_SOURCE_DIR) / "fuzz" / "corpus" / GetParam().name;
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    GetParam().run(std::string(std::istreambuf_iterator<char>(file), {}));
    count++;
  }
  EXPECT_GT(count, 5u);
}

INSTANTIATE_TEST_SUITE_P(All, FuzzCorpus,
                         testing::Values(Target{"sync_config", fuzz::sync_config},
                                         Target{"query", fuzz::query}, Target{"plan", fuzz::plan},
                                         Target{"geometry", fuzz::geometry}),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace brigade
