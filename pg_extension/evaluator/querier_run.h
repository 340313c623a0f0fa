#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "evaluator/request_values.h"
#include "evaluator/resolver.h"
#include "sync_config/plan.h"

namespace brigade {

// Lookups a whole request made: dependencies without repeats, and how many values they gave.
class RequestLookups {
 public:
  RequestLookups(LookupReader& reader, const ResolveLimits& limits)
      : reader_(reader), limits_(limits) {}

  // Throws ResolveError when the request's lookups give more values than the limit.
  std::vector<std::vector<std::string>> find(uint32_t definition, std::vector<std::string> keys);

  std::vector<LookupDependency> take_dependencies();

 private:
  LookupReader& reader_;
  const ResolveLimits& limits_;
  std::set<std::pair<uint32_t, std::string>> dependencies_;
  size_t result_count_ = 0;
};

// Runs a querier's steps: the parameters (JSON array texts) of the buckets a request gets, sorted
// and without repeats.
// Throws ResolveError, and std::runtime_error for an expression that cannot be computed.
// `trace` may be null.
std::vector<std::string> run_querier(const Querier& querier, RequestValues& values,
                                     RequestLookups& lookups, QuerierTrace* trace);

}  // namespace brigade
