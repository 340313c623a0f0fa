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
  bool begun;  // its definitions exist, and are followed
};
// The newest config in state 'processing'.
std::optional<PendingConfig> find_pending_config();

// After pg_dump and a restore there is a config in force without anything it made: it is to be
// deployed anew.
void deploy_restored_config();

// The active config, and the pending one once it has begun: what the decoder has to evaluate.
ActivePlans load_active_plans();

// Finds or makes the definitions of a config; an older one still pending gives way to it, and what
// was copied for it stays as far as both have the same definitions.
void begin_config(const PendingConfig& config);
// Makes it the one active config. What only the previous one used is kept up to date for
// `retention_s` seconds more.
void activate_config(int32_t config, int retention_s);
// Drops what only previous configs used whose time is over; true if there were any.
bool end_retention();
// Drops what only cancelled configs used.
void drop_cancelled();
void mark_config_errored(int32_t config, const std::string& error);

}  // namespace brigade
