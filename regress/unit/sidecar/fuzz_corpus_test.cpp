#include "replay.h"

namespace brigade::sidecar {
namespace {

using fuzz::Target;

class FuzzCorpus : public testing::TestWithParam<Target> {};

TEST_P(FuzzCorpus, EveryPromiseHolds) { fuzz::replay(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Sidecar, FuzzCorpus,
                         testing::Values(Target{"sidecar_request", fuzz::sidecar_request},
                                         Target{"sidecar_body", fuzz::sidecar_body},
                                         Target{"sidecar_rsocket", fuzz::sidecar_rsocket},
                                         Target{"sidecar_token", fuzz::sidecar_token},
                                         Target{"sidecar_json", fuzz::sidecar_json}),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace brigade::sidecar
