#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "sync_config/compiler.h"

namespace brigade {

// Compiles, and compares what the queries read with the catalog. REQUIRES: an SqlScope.
Compilation compile_and_check(std::string_view yaml);

bool has_errors(const Compilation& compilation);

// Throws pg::Error of the first error; the others are its detail.
[[noreturn]] void raise_errors(const std::vector<Diagnostic>& diagnostics);

nlohmann::json to_json(const std::vector<Diagnostic>& diagnostics);

// The config in force or on its way that has the same text, or says the same; 0 if there is none.
// `plan` is in its serialised form. REQUIRES: an SqlScope.
int32_t find_equal_config(std::string_view yaml, std::string_view plan);

}  // namespace brigade
