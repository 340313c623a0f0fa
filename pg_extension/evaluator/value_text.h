#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sync_config/value.h"

namespace brigade {

// Appends a value as JSON, as rows show it. REQUIRES: not a blob, not unchanged.
void append_json_value(std::string& target, const Value& value);

// Appends a value as an element of bucket parameters and lookup keys. Values that SQL holds equal
// give the same text: 1.0 is 1. False, and nothing appended, for null and blobs: they equal
// nothing.
bool append_key_value(std::string& target, const Value& value);

// Splits a JSON array text that append_key_value() made into its elements' texts.
std::vector<std::string_view> split_key(std::string_view key);

// The row id as clients have it: the value as text.
std::string id_text(const Value& value);

}  // namespace brigade
