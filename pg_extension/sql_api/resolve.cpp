#include "evaluator/resolver.h"

#include "pg/spi.h"
#include "sql_api/request.h"
#include "sql_api/text_function.h"
#include "storage/hash.h"

namespace brigade {

namespace {

using nlohmann::json;

json reasons_of(const ResolvedBucket& bucket) {
  auto reasons = json::array();
  for (const BucketReason& reason : bucket.reasons) {
    reasons.push_back({{reason.is_default ? "default" : "sub", reason.index}});
  }
  return reasons;
}

pg::Rows find_bucket_states(const ServingPlan& serving, const Resolution& resolution) {
  std::vector<int32_t> definitions;
  std::vector<std::string_view> parameters;
  for (const ResolvedBucket& bucket : resolution.buckets) {
    definitions.push_back(serving.definition_ids[bucket.definition]);
    parameters.push_back(bucket.parameters);
  }
  return pg::query(
      "SELECT wanted.i - 1, b.id, b.checksum, b.operation_count, b.last_op_id"
      " FROM unnest($1, $2) WITH ORDINALITY AS wanted (definition, parameters, i)"
      " JOIN brigade.bucket b USING (definition, parameters)",
      pg::Parameters().add(definitions).add(parameters));
}

json describe_buckets(const ServingPlan& serving, const Resolution& resolution) {
  auto buckets = json::array();
  for (const ResolvedBucket& bucket : resolution.buckets) {
    buckets.push_back({{"id", nullptr},
                       {"name", serving.bucket_names[bucket.definition] + bucket.parameters},
                       {"checksum", 0},
                       {"count", 0},
                       {"last_op_id", "0"},
                       {"priority", bucket.priority},
                       {"subscriptions", reasons_of(bucket)}});
  }
  const pg::Rows states = find_bucket_states(serving, resolution);
  for (size_t row = 0; row < states.size(); row++) {
    json& bucket = buckets[states.bigint(row, 0)];
    bucket["id"] = states.bigint(row, 1);
    bucket["checksum"] = static_cast<int32_t>(states.bigint(row, 2));
    bucket["count"] = states.bigint(row, 3);
    bucket["last_op_id"] = std::to_string(states.bigint(row, 4));
  }
  return buckets;
}

json describe_streams(const Resolution& resolution) {
  auto streams = json::array();
  for (const ResolvedStream& stream : resolution.streams) {
    auto errors = json::array();
    for (const ResolvedStream::Error& error : stream.errors) {
      const json subscription = error.subscription ? json(*error.subscription) : json("default");
      errors.push_back({{"subscription", subscription}, {"message", error.message}});
    }
    streams.push_back(
        {{"name", stream.name}, {"is_default", stream.is_default}, {"errors", errors}});
  }
  return streams;
}

json describe_dependencies(const ServingPlan& serving, const Resolution& resolution) {
  auto dependencies = json::array();
  for (const LookupDependency& dependency : resolution.dependencies) {
    dependencies.push_back(
        dependency_hash(serving.definition_ids[dependency.definition], dependency.key));
  }
  return dependencies;
}

void describe_position(const json& body, json& answer) {
  const pg::Rows head = pg::query(
      "SELECT c.commit_id, c.op_id, a.request_id FROM brigade.checkpoint c"
      " LEFT JOIN brigade.acknowledged_write_checkpoint a"
      " ON a.user_id = $1 AND a.client_id = $2",
      pg::Parameters()
          .add(required_text(body, "user_id"))
          .add(body.contains("client_id") && body["client_id"].is_string()
                   ? body["client_id"].get<std::string>()
                   : std::string()));
  answer["commit"] = head.bigint(0, 0);
  answer["op_id"] = std::to_string(head.bigint(0, 1));
  answer["write_checkpoint"] =
      head.is_null(0, 2) ? json(nullptr) : json(std::to_string(head.bigint(0, 2)));
}

json resolve_request(const json& body) {
  const pg::SqlScope sql;
  const std::shared_ptr<const ServingPlan> serving = require_serving_plan();
  const Resolution resolution = resolve_with(*serving, read_request(body), read_limits(body));
  json answer;
  describe_position(body, answer);
  answer["buckets"] = describe_buckets(*serving, resolution);
  answer["streams"] = describe_streams(resolution);
  answer["dependencies"] = describe_dependencies(*serving, resolution);
  return answer;
}

}  // namespace

}  // namespace brigade

extern "C" {
PG_FUNCTION_INFO_V1(brigade_resolve);

PGDLLEXPORT Datum brigade_resolve(PG_FUNCTION_ARGS) {
  return brigade::pg::edge([&] {
    return brigade::text_result(
        brigade::resolve_request(brigade::jsonb_argument(fcinfo, 0)).dump());
  });
}
}
