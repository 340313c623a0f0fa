#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sync_config/value.h"

namespace brigade {

// What SQLite's json_each() makes of a JSON value: true is 1, integers beyond 64 bits are reals.
// Objects and arrays are their text, which `storage` holds, as it does strings.
Value value_of_json(const nlohmann::json& json, std::string& storage);

// The elements of an array, or the values of an object; of anything else, none.
std::vector<nlohmann::json> json_elements(const Value& text);

}  // namespace brigade
