#pragma once

#include <algorithm>
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
  // Parallel too: changes of transactions that committed before this LSN are already in the
  // definition, from its backfill.
  std::vector<uint64_t> from_lsns;

  uint64_t from_lsn_max() const {
    return from_lsns.empty() ? 0 : *std::max_element(from_lsns.begin(), from_lsns.end());
  }
};

// The plans in force, the serving one first. A definition shared by several is evaluated for the
// first only.
using ActivePlans = std::vector<std::shared_ptr<const ActivePlan>>;

}  // namespace brigade
