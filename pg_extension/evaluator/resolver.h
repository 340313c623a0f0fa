#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "evaluator/resolve_trace.h"
#include "sync_config/plan.h"

namespace brigade {

// A client's request, as far as it decides which buckets it gets. JSON texts are objects.
struct Request {
  struct Subscription {
    std::string stream;
    std::string parameters_json;  // "{}" if the client gave none
    std::optional<int> override_priority;
  };
  std::string user_id;                // the token's `sub`
  std::string token_json;             // all claims of the token
  std::string connection_parameters;  // the request body's `parameters`
  bool include_defaults = true;
  std::vector<Subscription> subscriptions;
};

// Reads current lookup entries. Behind an interface so that the resolver needs no server.
class LookupReader {
 public:
  virtual ~LookupReader() = default;
  // For each key (JSON array text) the values (JSON array texts) of its entries, any order.
  virtual std::vector<std::vector<std::string>> find(uint32_t definition,
                                                     std::span<const std::string> keys) = 0;
};

// Why a client gets a bucket: by a default stream (index into Resolution::streams) or by one of its
// subscriptions (index into Request::subscriptions).
struct BucketReason {
  bool is_default;
  uint32_t index;

  bool operator==(const BucketReason&) const = default;
};

struct ResolvedBucket {
  uint32_t definition;
  std::string parameters;  // JSON array text, as in RowEffects::Output::parameters
  int priority;            // the most urgent (smallest) of its reasons
  std::vector<BucketReason> reasons;
};

struct ResolvedStream {
  struct Error {
    std::optional<uint32_t> subscription;  // index into Request::subscriptions; none: the default
    std::string message;
  };
  std::string name;
  bool is_default;
  std::vector<Error> errors;
};

// A lookup key the result depends on: when its entries change, the request must be resolved again.
struct LookupDependency {
  uint32_t definition;
  std::string key;
};

struct Resolution {
  std::vector<ResolvedBucket> buckets;
  std::vector<ResolvedStream> streams;
  std::vector<LookupDependency> dependencies;
};

struct ResolveLimits {
  size_t parameter_results_max = 10000;
  size_t buckets_max = 10000;
};

// A request that passes a limit; names the streams that produce most.
class ResolveError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws ResolveError. With a trace, every run of a querier is noted there.
Resolution resolve(const Plan& plan, const Request& request, LookupReader& lookups,
                   const ResolveLimits& limits, ResolveTrace* trace = nullptr);

}  // namespace brigade
