#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace brigade {

// Which lookup entry led on towards a bucket. Key and value are JSON array texts.
struct LookupUse {
  uint32_t definition;
  std::string key;
  std::string value;
};

// One run of a querier: how it found buckets, or why it found none.
struct QuerierTrace {
  // A way to a bucket; several may lead to the same.
  struct Path {
    std::string parameters;
    std::vector<LookupUse> lookups;
  };
  uint32_t stream = 0;                   // index into Plan::streams
  uint32_t querier = 0;                  // index into its queriers
  std::optional<uint32_t> subscription;  // index into Request::subscriptions; none: the default
  std::vector<Path> paths;
  std::optional<uint32_t> stopped_at;     // the step that left nothing
  std::vector<std::string> unknown_keys;  // if that was a lookup: what it asked for
  std::string error;                      // if an expression failed
};

using ResolveTrace = std::vector<QuerierTrace>;

}  // namespace brigade
