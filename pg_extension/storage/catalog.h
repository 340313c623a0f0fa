#pragma once

#include <optional>
#include <string>

#include "decoding/active_plan.h"
#include "storage/head.h"

// What the storage tables say of configs, definitions and the checkpoint.
// REQUIRES throughout: an open transaction with SPI.
namespace brigade {

Head load_head();

// A deploy the worker has yet to carry out.
struct PendingConfig {
  int32_t id;
  Plan plan;
  // Set once its definitions are filled: it becomes active with the first storage commit that
  // reaches this LSN.
  std::optional<uint64_t> activation_lsn;
};
// The newest config in state 'processing'.
std::optional<PendingConfig> find_pending_config();

// The active config, and the pending one once it is filled: what the decoder has to evaluate.
ActivePlans load_active_plans();

// Ids of the plan's definitions, in its order; those that do not exist yet are made, in state
// staging.
std::vector<int32_t> find_or_create_definitions(const Plan& plan);
// Those of `definitions` that are still staging.
std::vector<int32_t> staging_definitions(const std::vector<int32_t>& definitions);

// Says that the definitions are filled as of `consistent_lsn`, and that the config may become
// active from there.
void mark_config_filled(int32_t config, const std::vector<int32_t>& definitions,
                        uint64_t consistent_lsn);
// Makes it the one active config, and drops what only the previous ones used.
void activate_config(int32_t config);
void mark_config_errored(int32_t config, const std::string& error);

}  // namespace brigade
