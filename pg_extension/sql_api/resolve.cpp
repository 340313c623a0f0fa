#include "evaluator/resolver.h"

#include <nlohmann/json.hpp>

#include "pg/spi.h"
#include "sql_api/text_function.h"
#include "storage/hash.h"
#include "storage/serving_plan.h"

extern "C" {
#include "utils/jsonb.h"
}

namespace brigade {

namespace {

using nlohmann::json;

[[noreturn]] void reject(const std::string& field, const std::string& expected) {
  throw pg::Error("22023", "request: \"" + field + "\" must be " + expected);
}

std::string object_text(const json& parent, const char* field) {
  const auto found = parent.find(field);
  if (found == parent.end() || found->is_null()) return "{}";
  if (!found->is_object()) reject(field, "an object");
  return found->dump();
}

std::string required_text(const json& parent, const char* field) {
  const auto found = parent.find(field);
  if (found == parent.end() || !found->is_string()) reject(field, "a string");
  return found->get<std::string>();
}

Request::Subscription read_subscription(const json& item) {
  if (!item.is_object()) reject("subscriptions", "a list of objects");
  Request::Subscription subscription;
  subscription.stream = required_text(item, "stream");
  subscription.parameters_json = object_text(item, "parameters");
  const auto priority = item.find("override_priority");
  if (priority != item.end() && priority->is_number_integer()) {
    subscription.override_priority = priority->get<int>();
  }
  return subscription;
}

Request read_request(const json& body) {
  if (!body.is_object()) throw pg::Error("22023", "request: must be an object");
  Request request;
  request.user_id = required_text(body, "user_id");
  request.token_json = object_text(body, "token");
  request.connection_parameters = object_text(body, "connection_parameters");
  request.include_defaults = body.value("include_defaults", true);
  for (const json& item : body.value("subscriptions", json::array())) {
    request.subscriptions.push_back(read_subscription(item));
  }
  return request;
}

ResolveLimits read_limits(const json& body) {
  ResolveLimits limits;
  const json given = body.value("limits", json::object());
  limits.buckets_max = given.value("buckets", limits.buckets_max);
  limits.parameter_results_max = given.value("parameter_results", limits.parameter_results_max);
  return limits;
}

// Lookup entries at the calling statement's snapshot.
class StoredLookups : public LookupReader {
 public:
  explicit StoredLookups(const ServingPlan& serving) : serving_(serving) {}

  std::vector<std::vector<std::string>> find(uint32_t definition,
                                             std::span<const std::string> keys) override {
    const int32_t id = serving_.definition_ids[definition];
    std::vector<int64_t> hashes;
    std::vector<std::string_view> texts;
    for (const std::string& key : keys) {
      hashes.push_back(dependency_hash(id, key));
      texts.push_back(key);
    }
    const pg::SqlScope sql;
    const pg::Rows rows = pg::query(
        "SELECT wanted.i - 1, l.value"
        " FROM unnest($1, $2) WITH ORDINALITY AS wanted (key_hash, key, i)"
        " JOIN brigade.lookup l ON l.key_hash = wanted.key_hash AND l.key = wanted.key"
        " AND l.definition = $3",
        pg::Parameters().add(hashes).add(texts).add(id));
    std::vector<std::vector<std::string>> values(keys.size());
    for (size_t row = 0; row < rows.size(); row++) {
      values[rows.bigint(row, 0)].emplace_back(rows.bytes(row, 1));
    }
    return values;
  }

 private:
  const ServingPlan& serving_;
};

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

Resolution resolve_with(const ServingPlan& serving, const json& body) {
  StoredLookups lookups(serving);
  try {
    return resolve(serving.plan, read_request(body), lookups, read_limits(body));
  } catch (const ResolveError& error) {
    throw pg::Error("BR002", error.what(), {},
                    "Make streams share buckets, or raise the sidecar's api.parameters limits.");
  }
}

json resolve_request(const json& body) {
  const pg::SqlScope sql;
  const std::shared_ptr<const ServingPlan> serving = serving_plan();
  if (serving == nullptr) {
    throw pg::Error("BR001", "no sync config is active", {},
                    "Deploy one with brigade.deploy(), or wait until the first is processed.");
  }
  const Resolution resolution = resolve_with(*serving, body);
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
    const char* text = brigade::pg::guard([&] {
      Jsonb* request = DatumGetJsonbP(fcinfo->args[0].value);
      return JsonbToCString(nullptr, &request->root, VARSIZE(request));
    });
    return brigade::text_result(brigade::resolve_request(nlohmann::json::parse(text)).dump());
  });
}
}
