#pragma once

#include "sync_config/config_text.h"
#include "sync_config/plan.h"

namespace brigade {

// The `bucket_definitions:` block of sync rules. Each becomes a stream that all clients get.
// https://docs.powersync.com/sync/rules/overview
void compile_bucket_definitions(const YAML::Node& definitions, ConfigText& text, Plan& plan);

}  // namespace brigade
