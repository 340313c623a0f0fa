#include <map>
#include <set>

#include "evaluator/value_text.h"
#include "pg/spi.h"
#include "sql_api/request.h"
#include "sql_api/text_function.h"
#include "storage/hash.h"
#include "sync_config/expression_text.h"

namespace brigade {

namespace {

using nlohmann::json;

// Says of every query of a request which buckets it gives and by which rows, or why it gives none.
class Explanation {
 public:
  Explanation(const ServingPlan& serving, const Request& request)
      : serving_(serving), request_(request) {}

  json run(const ResolveLimits& limits) {
    ResolveTrace trace;
    const Resolution resolution = resolve_with(serving_, request_, limits, &trace);
    for (const ResolvedBucket& bucket : resolution.buckets) find_state(bucket);
    for (const QuerierTrace& run : trace) describe(run);
    describe_others();
    return std::move(rows_);
  }

 private:
  using BucketName = std::pair<uint32_t, std::string>;  // definition, parameters
  struct BucketState {
    int priority;
    int64_t operations = 0;
    int64_t rows = 0;
  };

  void find_state(const ResolvedBucket& bucket) {
    BucketState state{bucket.priority};
    const int32_t definition = serving_.definition_ids[bucket.definition];
    const pg::Rows found = pg::query(
        "SELECT b.operation_count, (SELECT count(*) FROM"
        " (SELECT DISTINCT ON (object_type, object_id, subkey) op FROM brigade.bucket_op"
        "  WHERE bucket = b.id ORDER BY object_type, object_id, subkey, op_id DESC) newest"
        " WHERE op = 'P')"
        " FROM brigade.bucket b WHERE definition = $1 AND parameters = $2 AND key_hash = $3",
        pg::Parameters()
            .add(definition)
            .add(bucket.parameters)
            .add(key_hash(definition, bucket.parameters)));
    if (!found.empty()) {
      state.operations = found.bigint(0, 0);
      state.rows = found.bigint(0, 1);
    }
    states_.emplace(BucketName(bucket.definition, bucket.parameters), state);
  }

  void describe(const QuerierTrace& run) {
    const Stream& stream = serving_.plan.streams[run.stream];
    const Querier& querier = stream.queriers[run.querier];
    if (run.paths.empty()) {
      json& row = add_row(stream.name, why_none(querier, run));
      row["query_line"] = querier.line;
      row["subscription"] = run.subscription ? json(*run.subscription) : json(nullptr);
    }
    for (const QuerierTrace::Path& path : run.paths) {
      json& row = add_row(stream.name, why(querier, path));
      row["query_line"] = querier.line;
      row["subscription"] = run.subscription ? json(*run.subscription) : json(nullptr);
      const BucketState& state = states_.at({querier.source, path.parameters});
      row["bucket"] = serving_.bucket_names[querier.source] + path.parameters;
      row["priority"] = state.priority;
      row["operations"] = state.operations;
      row["rows"] = state.rows;
    }
  }

  json& add_row(const std::string& stream, std::string why) {
    rows_.push_back({{"stream", stream}, {"why", std::move(why)}});
    return rows_.back();
  }

  // "public.lists with owner = "anna" AND archived = 0", of what leads to a bucket or entries.
  std::string rows_with(uint32_t index, const std::string& key) const {
    const Definition& definition = serving_.plan.definitions[index];
    const std::string table = definition.table.schema + "." + definition.table.table;
    const std::string values = readable_values(definition.key, split_key(key));
    const std::string filters = readable_conditions(definition.filters);
    if (values.empty() && filters.empty()) return "all rows of " + table;
    return table + " with " + values + (values.empty() || filters.empty() ? "" : " AND ") + filters;
  }

  std::string why(const Querier& querier, const QuerierTrace::Path& path) const {
    std::string text;
    for (const LookupUse& use : path.lookups) {
      const auto& values = serving_.plan.definitions[use.definition].values;
      text += rows_with(use.definition, use.key);
      if (!values.empty()) text += " has " + readable_values(values, split_key(use.value));
      text += "; ";
    }
    return text + rows_with(querier.source, path.parameters);
  }

  std::string why_none(const Querier& querier, const QuerierTrace& run) const {
    if (!run.stopped_at) return run.error;
    const Step& step = querier.steps[*run.stopped_at];
    switch (step.kind) {
      case Step::Kind::condition:
        return "not true: " + readable(step.expression);
      case Step::Kind::bind:
        return "null, or not what it must equal: " + readable(step.expression);
      case Step::Kind::expand:
        return "no JSON array with elements: " + readable(step.expression);
      default:
        return why_not_found(step, run.unknown_keys);
    }
  }

  std::string why_not_found(const Step& step, const std::vector<std::string>& keys) const {
    std::string text = "no row: " + rows_with(step.definition, keys.front());
    if (keys.size() > 1) text += "; nor for " + std::to_string(keys.size() - 1) + " other keys";
    return text;
  }

  // Streams that the request does not ask for, and those that do not exist.
  void describe_others() {
    std::set<std::string> wanted;
    for (const Request::Subscription& subscription : request_.subscriptions) {
      wanted.insert(subscription.stream);
    }
    std::set<std::string> known;
    for (const Stream& stream : serving_.plan.streams) {
      const bool first = known.insert(stream.name).second;
      const bool by_default = stream.auto_subscribe && request_.include_defaults;
      if (!first || by_default || wanted.contains(stream.name)) continue;
      add_row(stream.name, stream.auto_subscribe ? "not asked for: include_defaults is false"
                                                 : "not asked for: no subscription");
    }
    for (const std::string& name : wanted) {
      if (!known.contains(name)) add_row(name, "there is no such stream");
    }
  }

  const ServingPlan& serving_;
  const Request& request_;
  std::map<BucketName, BucketState> states_;
  json rows_ = json::array();
};

json explain(const json& body) {
  const pg::SqlScope sql;
  const std::shared_ptr<const ServingPlan> serving = require_serving_plan();
  const Request request = read_request(body);
  return Explanation(*serving, request).run(read_limits(body));
}

}  // namespace

}  // namespace brigade

extern "C" {
PG_FUNCTION_INFO_V1(brigade_explain);

PGDLLEXPORT Datum brigade_explain(PG_FUNCTION_ARGS) {
  return brigade::pg::edge([&] {
    return brigade::text_result(brigade::explain(brigade::jsonb_argument(fcinfo, 0)).dump());
  });
}
}
