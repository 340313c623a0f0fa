#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace brigade {

// How column values become SQLite values; decided by the config's edition and options. Part of every
// definition's digest, since it changes the bytes clients get.
struct ValueOptions {
  bool timestamps_iso8601 = true;     // "2024-01-01T00:00:00.000000Z" instead of a blank between
  int timestamp_precision_max = 6;    // digits after the second, 0 to 6
  bool custom_postgres_types = true;  // composites, ranges, arrays of custom types become JSON

  bool operator==(const ValueOptions&) const = default;
};

// A bucket source or a lookup index: what is stored, by what it means. Two configs that have an equal
// definition share its id, its data and its history.
struct Definition {
  enum class Kind : uint8_t { bucket_source, lookup_index };
  Kind kind;
  std::string digest;       // 32 hex digits over `canonical`
  std::string canonical;    // JSON text; equal text = equal definition
  std::string bucket_name;  // bucket sources: "user_lists|0"; the bucket is this and its parameters
};

struct Plan {
  ValueOptions value_options;
  bool versioned_bucket_ids = true;
  std::vector<Definition> definitions;
};

// The plan's stable serialised form (JSON text).
std::string serialize(const Plan& plan);

// REQUIRES: text was made by serialize(), of this or an older version. Throws std::runtime_error that
// names the place where it is not.
Plan deserialize(std::string_view text);

}  // namespace brigade
