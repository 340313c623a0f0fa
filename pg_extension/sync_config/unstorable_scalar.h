#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>

namespace brigade {

// The place of the first scalar in a YAML document that is not text Postgres can store. YAML can
// escape NUL; and yaml-cpp makes bytes that are not UTF-8 of the escapes \N and \_.
// Throws YAML::Exception.
std::optional<YAML::Mark> find_unstorable_scalar(const std::string& yaml);

}  // namespace brigade
