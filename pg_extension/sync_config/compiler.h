#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync_config/plan.h"

namespace brigade {

// One finding about a sync config. Lines and columns count from 1, in the YAML text.
struct Diagnostic {
  enum class Severity { error, warning };
  Severity severity;
  int line;
  int column;
  std::string message;
  std::string remedy;  // what to write instead; may be empty
};

struct Compilation {
  std::optional<Plan> plan;  // absent if any diagnostic is an error
  std::vector<Diagnostic> diagnostics;
};

// Turns a sync config (YAML) into a plan. Never throws for bad input.
Compilation compile(std::string_view yaml);

}  // namespace brigade
