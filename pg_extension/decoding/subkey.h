#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "decoding/change_message.h"
#include "sync_config/value.h"

namespace brigade {

// The start of the subkeys of all rows of a table, from its qualified name (XXH3).
std::array<char, 4> table_prefix(std::string_view table);

// The subkey of a row, from its table's prefix and the values of its key columns, given as indexes
// into `row` (XXH3, key_order.h).
Subkey subkey_of(const std::array<char, 4>& table, std::span<const Value> row,
                 const std::vector<int>& key_columns);

// The key's values as a JSON-like text for messages: ["a",1].
std::string describe_key(std::span<const Value> row, const std::vector<int>& key_columns);

}  // namespace brigade
