#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sync_config/plan.h"

namespace brigade {

// A plan the decoder evaluates, with what the database knows of its definitions.
struct ActivePlan {
  int32_t config_id;
  Plan plan;
  std::vector<int32_t> definition_ids;  // parallel to plan.definitions
};

// The plans in force, the serving one first. A definition shared by several is evaluated for the
// first only.
using ActivePlans = std::vector<std::shared_ptr<const ActivePlan>>;

}  // namespace brigade
