#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace brigade {

// The size in bytes of a row's JSON text beyond which clients do not get it: no device could take
// it in, and a sidecar holds whole rows.
inline constexpr size_t row_bytes_max = 15 << 20;

// What one state of one source row means to a plan: the buckets it is in, and the lookup entries it
// makes. `definition` is an index into Plan::definitions.
struct RowEffects {
  // The row as one bucket source shows it, and every bucket that shows it.
  struct Output {
    uint32_t definition;
    std::string object_type;              // the client's table
    std::string object_id;                // the client's row id
    std::string data;                     // JSON object text, as sent to clients
    std::vector<std::string> parameters;  // one JSON array text a bucket, no duplicates
  };
  struct Lookup {
    uint32_t definition;
    std::string key;    // JSON array text
    std::string value;  // JSON array text
  };
  // An expression that failed, or a row beyond row_bytes_max. Its definition contributes nothing
  // for this row.
  struct Error {
    uint32_t definition;
    std::string message;
  };

  std::vector<Output> outputs;
  std::vector<Lookup> lookups;
  std::vector<Error> errors;

  void clear() {
    outputs.clear();
    lookups.clear();
    errors.clear();
  }
};

}  // namespace brigade
