#pragma once

#include <optional>
#include <string>

#include "config/settings.h"

namespace brigade::sidecar {

/// Reads a service.yaml (or JSON: YAML holds it) into `settings`. Relative paths in it are relative
/// to `directory`. `!env NAME` stands for an environment variable whose name begins with PS_ or
/// BRIGADE_. The answer is an error text with line and column, or nothing.
std::optional<std::string> read_yaml(const std::string& text, const std::string& directory,
                                     const Environment& environment, Settings& settings);

}  // namespace brigade::sidecar
