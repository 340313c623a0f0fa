#include "replay.h"

namespace brigade {
namespace {

using fuzz::Target;

class FuzzCorpus : public testing::TestWithParam<Target> {};

TEST_P(FuzzCorpus, EveryPromiseHolds) { fuzz::replay(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, FuzzCorpus,
                         testing::Values(Target{"sync_config", fuzz::sync_config},
                                         Target{"query", fuzz::query}, Target{"plan", fuzz::plan},
                                         Target{"geometry", fuzz::geometry}),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace brigade
