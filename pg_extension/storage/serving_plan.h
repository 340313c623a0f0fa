#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sync_config/plan.h"

namespace brigade {

// The active config as resolving requests needs it.
struct ServingPlan {
  int32_t config_id;
  Plan plan;
  std::vector<int32_t> definition_ids;    // parallel to plan.definitions
  std::vector<std::string> bucket_names;  // parallel too: names up to the parameters
};

// The plan of the active config at the calling statement's snapshot; null if there is none. Kept
// for the next call of this session. REQUIRES: SPI.
std::shared_ptr<const ServingPlan> serving_plan();

}  // namespace brigade
