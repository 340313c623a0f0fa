#include "sql_api/request.h"

#include "pg/error.h"
#include "pg/index_lookup.h"
#include "storage/hash.h"

extern "C" {
#include "utils/jsonb.h"
}

namespace brigade {

using nlohmann::json;

json jsonb_argument(FunctionCallInfo fcinfo, int index) {
  const char* text = pg::guard([&] {
    Jsonb* argument = DatumGetJsonbP(fcinfo->args[index].value);
    return JsonbToCString(nullptr, &argument->root, VARSIZE(argument));
  });
  return json::parse(text);
}

namespace {

[[noreturn]] void reject(const std::string& field, const std::string& expected) {
  throw pg::Error("22023", "request: \"" + field + "\" must be " + expected);
}

std::string object_text(const json& parent, const char* field) {
  const auto found = parent.find(field);
  if (found == parent.end() || found->is_null()) return "{}";
  if (!found->is_object()) reject(field, "an object");
  return found->dump();
}

}  // namespace

std::string required_text(const json& parent, const char* field) {
  const auto found = parent.find(field);
  if (found == parent.end() || !found->is_string()) reject(field, "a string");
  return found->get<std::string>();
}

namespace {

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

}  // namespace

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

std::shared_ptr<const ServingPlan> require_serving_plan() {
  std::shared_ptr<const ServingPlan> serving = serving_plan();
  if (serving != nullptr) return serving;
  throw pg::Error("BR001", "no sync config is active", {},
                  "Deploy one with brigade.deploy(), or wait until the first is processed.");
}

namespace {

// Lookup entries at the calling statement's snapshot.
class StoredLookups : public LookupReader {
 public:
  explicit StoredLookups(const ServingPlan& serving) : serving_(serving) {}

  std::vector<std::vector<std::string>> find(uint32_t definition,
                                             std::span<const std::string> keys) override {
    const int32_t id = serving_.definition_ids[definition];
    pg::IndexLookup entries("lookup", "lookup_key", 1);
    std::vector<std::vector<std::string>> values;
    for (const std::string& key : keys) {
      std::vector<std::string>& found = values.emplace_back();
      for (entries.start({key_hash(id, key)}); entries.next();) {
        const bool same =
            entries.integer(column_definition) == id && entries.text(column_key) == key;
        if (same) found.emplace_back(entries.text(column_value));
      }
    }
    return values;
  }

 private:
  // Of brigade.lookup.
  static constexpr int column_definition = 0;
  static constexpr int column_key = 3;
  static constexpr int column_value = 4;

  const ServingPlan& serving_;
};

}  // namespace

Resolution resolve_with(const ServingPlan& serving, const Request& request,
                        const ResolveLimits& limits, ResolveTrace* trace) {
  StoredLookups lookups(serving);
  try {
    return resolve(serving.plan, request, lookups, limits, trace);
  } catch (const ResolveError& error) {
    throw pg::Error("BR002", error.what(), {},
                    "Make streams share buckets, or raise the sidecar's api.parameters limits.");
  }
}

}  // namespace brigade
