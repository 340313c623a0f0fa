#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace brigade::sidecar {

using Json = nlohmann::json;

/// Nesting a client may send. The parser recurses nowhere, but destroying and printing a value do.
constexpr int json_depth_max = 64;

/// Parses a client's JSON. Empty for a syntax error, invalid UTF-8, a NUL character in a string
/// (Postgres text cannot hold one), or nesting beyond `json_depth_max`.
std::optional<Json> parse_bounded_json(std::string_view text);

}  // namespace brigade::sidecar
