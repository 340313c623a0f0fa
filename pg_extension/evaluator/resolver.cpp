#include "evaluator/resolver.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "evaluator/querier_run.h"
#include "evaluator/request_values.h"

namespace brigade {

namespace {

constexpr size_t named_streams_max = 10;

class Resolver {
 public:
  Resolver(const Plan& plan, const Request& request, LookupReader& reader,
           const ResolveLimits& limits, ResolveTrace* trace)
      : plan_(plan),
        request_(request),
        limits_(limits),
        trace_(trace),
        values_(request),
        lookups_(reader, limits) {}

  Resolution run() {
    for (const Stream& stream : plan_.streams) add_stream(stream);
    resolution_.dependencies = lookups_.take_dependencies();
    return std::move(resolution_);
  }

 private:
  void add_stream(const Stream& stream) {
    const bool by_default = request_.include_defaults && stream.auto_subscribe;
    const bool subscribed =
        std::any_of(request_.subscriptions.begin(), request_.subscriptions.end(),
                    [&](const Request::Subscription& subscription) {
                      return subscription.stream == stream.name;
                    });
    if (!by_default && !subscribed) return;
    const uint32_t index = stream_index(stream);
    if (by_default) add_default(stream, index);
    for (uint32_t i = 0; i < request_.subscriptions.size(); i++) {
      if (request_.subscriptions[i].stream == stream.name) add_subscription(stream, index, i);
    }
  }

  // Sync rules may have several streams of one name, which clients see as one.
  uint32_t stream_index(const Stream& stream) {
    for (uint32_t i = 0; i < resolution_.streams.size(); i++) {
      if (resolution_.streams[i].name == stream.name) return i;
    }
    resolution_.streams.push_back({stream.name, stream.auto_subscribe, {}});
    return static_cast<uint32_t>(resolution_.streams.size() - 1);
  }

  void add_default(const Stream& stream, uint32_t index) {
    values_.set_subscription("{}");
    add_buckets(stream, index, {true, index}, stream.priority, std::nullopt);
  }

  void add_subscription(const Stream& stream, uint32_t index, uint32_t subscription) {
    const Request::Subscription& wanted = request_.subscriptions[subscription];
    values_.set_subscription(wanted.parameters_json);
    add_buckets(stream, index, {false, subscription},
                wanted.override_priority.value_or(stream.priority), subscription);
  }

  // An expression that fails concerns this stream only: the others go on.
  void add_buckets(const Stream& stream, uint32_t index, BucketReason reason, int priority,
                   std::optional<uint32_t> subscription) {
    try {
      for (const Querier& querier : stream.queriers) {
        QuerierTrace* trace = begin_trace(stream, querier, subscription);
        for (std::string& parameters : run_querier(querier, values_, lookups_, trace)) {
          add_bucket(querier.source, std::move(parameters), reason, priority);
          produced_[stream.name]++;
        }
      }
    } catch (const ResolveError& error) {
      throw ResolveError(error.what() + describe_producers(stream.name));
    } catch (const std::runtime_error& error) {
      resolution_.streams[index].errors.push_back({subscription, error.what()});
      if (trace_ != nullptr) trace_->back().error = error.what();
    }
  }

  QuerierTrace* begin_trace(const Stream& stream, const Querier& querier,
                            std::optional<uint32_t> subscription) {
    if (trace_ == nullptr) return nullptr;
    QuerierTrace& trace = trace_->emplace_back();
    trace.stream = static_cast<uint32_t>(&stream - plan_.streams.data());
    trace.querier = static_cast<uint32_t>(&querier - stream.queriers.data());
    trace.subscription = subscription;
    return &trace;
  }

  ResolvedBucket& find_or_add_bucket(uint32_t source, std::string parameters, int priority) {
    const auto [known, added] =
        by_name_[source].try_emplace(parameters, resolution_.buckets.size());
    if (!added) return resolution_.buckets[known->second];
    if (resolution_.buckets.size() == limits_.buckets_max) {
      throw ResolveError("Too many buckets: over " + std::to_string(limits_.buckets_max));
    }
    resolution_.buckets.push_back({source, std::move(parameters), priority, {}});
    return resolution_.buckets.back();
  }

  void add_bucket(uint32_t source, std::string parameters, BucketReason reason, int priority) {
    ResolvedBucket& bucket = find_or_add_bucket(source, std::move(parameters), priority);
    bucket.priority = std::min(bucket.priority, priority);
    const auto known = std::find(bucket.reasons.begin(), bucket.reasons.end(), reason);
    if (known == bucket.reasons.end()) bucket.reasons.push_back(reason);
  }

  std::string describe_producers(const std::string& current) const {
    std::vector<std::pair<size_t, std::string>> streams;
    for (const auto& [name, count] : produced_) streams.emplace_back(count, name);
    std::sort(streams.rbegin(), streams.rend());
    std::string text = " (while resolving stream \"" + current + "\"";
    for (size_t i = 0; i < std::min(streams.size(), named_streams_max); i++) {
      text += (i == 0 ? "; " : ", ") + streams[i].second + ": " + std::to_string(streams[i].first);
    }
    return text + ")";
  }

  const Plan& plan_;
  const Request& request_;
  const ResolveLimits& limits_;
  ResolveTrace* trace_;
  RequestValues values_;
  RequestLookups lookups_;
  Resolution resolution_;
  // By source and parameters, indices into Resolution::buckets.
  std::map<uint32_t, std::unordered_map<std::string, size_t>> by_name_;
  std::map<std::string, size_t> produced_;
};

}  // namespace

Resolution resolve(const Plan& plan, const Request& request, LookupReader& lookups,
                   const ResolveLimits& limits, ResolveTrace* trace) {
  return Resolver(plan, request, lookups, limits, trace).run();
}

}  // namespace brigade
