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

constexpr const char* rejected = "22023";  // invalid_parameter_value

// An object of the request. What is wrong in it is reported with its place:
// subscriptions[1].stream.
class Fields {
 public:
  Fields(const json& object, std::string place, const std::string& example)
      : object_(object), place_(std::move(place)) {
    if (object.is_object()) return;
    throw pg::Error(rejected, "request: " + quoted(place_) + "must be an object", {},
                    "Write, for example, " + example + ".");
  }

  std::string text(const char* name, const std::string& example) const {
    const json* found = find(name);
    if (found == nullptr || !found->is_string()) reject(name, "a string", '"' + example + '"');
    return found->get<std::string>();
  }

  std::string optional_text(const char* name, const std::string& example) const {
    return find(name) == nullptr ? std::string() : text(name, example);
  }

  // Of an object, as text.
  std::string object_text(const char* name) const {
    const json* found = find(name);
    if (found == nullptr) return "{}";
    if (!found->is_object()) reject(name, "an object", R"({"name": "value"})");
    return found->dump();
  }

  bool boolean(const char* name, bool fallback) const {
    const json* found = find(name);
    if (found == nullptr) return fallback;
    if (!found->is_boolean()) reject(name, "true or false", "true");
    return found->get<bool>();
  }

  std::optional<int> priority(const char* name) const {
    const json* found = find(name);
    if (found == nullptr) return std::nullopt;
    const bool valid = found->is_number_integer() && *found >= 0 && *found <= 3;
    if (!valid) reject(name, "0, 1, 2 or 3", "1");
    return found->get<int>();
  }

  size_t count(const char* name, size_t fallback) const {
    const json* found = find(name);
    if (found == nullptr) return fallback;
    if (!found->is_number_unsigned()) reject(name, "a whole number, 0 or more", "1000");
    return found->get<size_t>();
  }

  const json& list(const char* name) const {
    static const json empty = json::array();
    const json* found = find(name);
    if (found == nullptr) return empty;
    if (!found->is_array()) reject(name, "a list", R"([{"stream": "lists"}])");
    return *found;
  }

  Fields part(const char* name, const std::string& example) const {
    static const json empty = json::object();
    const json* found = find(name);
    return {found == nullptr ? empty : *found, place_of(name), example};
  }

 private:
  static std::string quoted(const std::string& place) {
    return place.empty() ? "" : '"' + place + "\" ";
  }

  std::string place_of(const char* name) const {
    return place_.empty() ? name : place_ + "." + name;
  }

  // Null is as good as nothing.
  const json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  [[noreturn]] void reject(const char* name, const std::string& expected,
                           const std::string& example) const {
    throw pg::Error(rejected, "request: " + quoted(place_of(name)) + "must be " + expected, {},
                    "Write, for example, {\"" + std::string(name) + "\": " + example + "}.");
  }

  const json& object_;
  std::string place_;
};

Fields of_request(const json& body) { return {body, {}, R"({"user_id": "anna"})"}; }

Request::Subscription read_subscription(const Fields& fields) {
  Request::Subscription subscription;
  subscription.stream = fields.text("stream", "lists");
  subscription.parameters_json = fields.object_text("parameters");
  subscription.override_priority = fields.priority("override_priority");
  return subscription;
}

}  // namespace

Request read_request(const json& body) {
  const Fields fields = of_request(body);
  Request request;
  request.user_id = fields.text("user_id", "anna");
  request.token_json = fields.object_text("token");
  request.connection_parameters = fields.object_text("connection_parameters");
  request.include_defaults = fields.boolean("include_defaults", true);
  for (const json& item : fields.list("subscriptions")) {
    const std::string place = "subscriptions[" + std::to_string(request.subscriptions.size()) + "]";
    request.subscriptions.push_back(read_subscription({item, place, R"({"stream": "lists"})"}));
  }
  return request;
}

std::string read_client_id(const json& body) {
  return of_request(body).optional_text("client_id", "c1");
}

ResolveLimits read_limits(const json& body) {
  const Fields given = of_request(body).part("limits", R"({"buckets": 1000})");
  ResolveLimits limits;
  limits.buckets_max = given.count("buckets", limits.buckets_max);
  limits.parameter_results_max = given.count("parameter_results", limits.parameter_results_max);
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
