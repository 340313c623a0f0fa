#pragma once

#include "sync_config/config_text.h"
#include "sync_config/plan.h"

namespace brigade {

// Reads the `config:` block (edition, compatibility options) into the plan; returns the edition.
// https://docs.powersync.com/sync/advanced/compatibility
int read_options(const YAML::Node& config, ConfigText& text, Plan& plan);

}  // namespace brigade
