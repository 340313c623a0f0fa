#include "targets.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "evaluator/geometry.h"
#include "evaluator/resolver.h"
#include "evaluator/table_evaluator.h"
#include "promise.h"
#include "sync_config/compiler.h"
#include "sync_config/utf8.h"

namespace brigade::fuzz {

namespace {

bool is_json_of(const std::string& text, nlohmann::json::value_t type) {
  return nlohmann::json::parse(text, nullptr, false).type() == type;
}

// Every key has one entry, whose values are as many as any index could want.
class OneEntry : public LookupReader {
 public:
  std::vector<std::vector<std::string>> find(uint32_t, std::span<const std::string> keys) override {
    return std::vector<std::vector<std::string>>(keys.size(), {R"(["u1",1,"x"])"});
  }
};

void check_effects(const RowEffects& effects) {
  using Type = nlohmann::json::value_t;
  for (const RowEffects::Output& output : effects.outputs) {
    require(is_json_of(output.data, Type::object), "data is a JSON object");
    require(!output.parameters.empty(), "an output is in a bucket");
    for (const std::string& parameters : output.parameters) {
      require(is_json_of(parameters, Type::array), "parameters are a JSON array");
    }
  }
  for (const RowEffects::Lookup& lookup : effects.lookups) {
    require(is_json_of(lookup.key, Type::array), "a lookup's key is a JSON array");
    require(is_json_of(lookup.value, Type::array), "a lookup's value is a JSON array");
  }
}

// Where a row is, sorted.
std::vector<std::string> locations(const RowEffects& effects) {
  std::vector<std::string> texts;
  for (const RowEffects::Output& output : effects.outputs) {
    for (const std::string& parameters : output.parameters) {
      texts.push_back(std::to_string(output.definition) + parameters + output.object_type + '/' +
                      output.object_id);
    }
  }
  for (const RowEffects::Lookup& lookup : effects.lookups) {
    texts.push_back(std::to_string(lookup.definition) + lookup.key + lookup.value);
  }
  std::ranges::sort(texts);
  return texts;
}

std::vector<std::string> located(const TableEvaluator& evaluator, std::span<const Value> row,
                                 std::span<const uint32_t> definitions) {
  RowEffects effects;
  evaluator.locate(row, definitions, effects);
  return locations(effects);
}

// For every choice of columns that may be known of an old row.
void check_location(const TableEvaluator& evaluator, const std::vector<Value>& row,
                    const RowEffects& effects) {
  require(
      std::ranges::includes(located(evaluator, row, evaluator.definitions()), locations(effects)),
      "a row is located where it is");
  for (uint32_t choice = 0; choice < 1U << row.size(); choice++) {
    std::vector<bool> known;
    std::vector<Value> known_row = row;
    for (size_t i = 0; i < row.size(); i++) {
      known.push_back((choice >> i & 1) != 0);
      if (!known[i]) known_row[i] = Value::null();
    }
    std::vector<uint32_t> definitions = evaluator.definitions();
    std::erase_if(definitions,
                  [&](uint32_t definition) { return !evaluator.is_located_by(known, definition); });
    require(located(evaluator, known_row, definitions) == located(evaluator, row, definitions),
            "columns that locate a row need no others");
  }
}

void evaluate_rows(const Plan& plan) {
  const std::vector<Value> row = {Value::of_text("u1"), Value::of_text(R"(["u1",1,{"k":null}])"),
                                  Value::of_integer(-1), Value::of_real(1.5), Value::null()};
  for (const Definition& definition : plan.definitions) {
    std::string schema = definition.table.schema;
    std::string table = definition.table.table;
    for (std::string* name : {&schema, &table}) {
      if (name->ends_with('%')) name->back() = 'x';
    }
    const TableEvaluator evaluator(plan, schema, table, {"id", "a", "b", "c", "d"});
    RowEffects effects;
    evaluator.evaluate(row, effects);
    check_effects(effects);
    check_location(evaluator, row, effects);
  }
}

void resolve_request(const Plan& plan) {
  Request request;
  request.user_id = "u1";
  request.token_json = R"({"sub":"u1","a":["x",1],"b":{"c":2}})";
  request.connection_parameters = R"({"a":1.5})";
  for (const Stream& stream : plan.streams) {
    request.subscriptions.push_back({stream.name, R"({"a":"x"})", std::nullopt});
  }
  OneEntry lookups;
  try {
    resolve(plan, request, lookups, {});
  } catch (const ResolveError&) {  // a limit
  }
}

}  // namespace

void sync_config(std::string_view input) {
  const Compilation compilation = compile(input);
  bool failed = false;
  for (const Diagnostic& diagnostic : compilation.diagnostics) {
    failed |= diagnostic.severity == Diagnostic::Severity::error;
    require(!diagnostic.message.empty(), "a diagnostic says something");
    for (const std::string* text : {&diagnostic.message, &diagnostic.remedy}) {
      require(storable_length(*text) == text->size(), "a diagnostic can be shown");
    }
    require(diagnostic.line >= 1 && diagnostic.column >= 1, "a diagnostic has a place");
  }
  require(failed != compilation.plan.has_value(), "there is a plan or an error");
  if (!compilation.plan) return;
  const std::string stored = serialize(*compilation.plan);
  const Plan plan = deserialize(stored);
  require(serialize(plan) == stored, "a stored plan is the plan");
  evaluate_rows(plan);
  resolve_request(plan);
}

void query(std::string_view input) {
  const bool legacy = input.starts_with('!');
  std::string text;
  for (const char character : input.substr(legacy ? 1 : 0)) {
    text += character == '\n' ? std::string("\n        ") : std::string(1, character);
  }
  sync_config(legacy
                  ? "bucket_definitions:\n  s:\n    parameters: |\n        " + text +
                        "\n    data:\n      - SELECT * FROM t WHERE a = bucket.a\n"
                  : "config: {edition: 3}\nstreams:\n  s:\n    query: |\n        " + text + "\n");
}

void plan(std::string_view input) {
  try {
    const std::string stored = serialize(deserialize(input));
    require(serialize(deserialize(stored)) == stored, "a stored plan is the plan");
  } catch (const std::runtime_error&) {  // says where the text is no plan
  }
}

void geometry(std::string_view input) {
  const std::optional<Geometry> parsed = parse_geometry(input);
  if (!parsed) return;
  well_known_text(*parsed);
  require(is_json_of(geo_json(*parsed), nlohmann::json::value_t::object), "GeoJSON is JSON");
}

}  // namespace brigade::fuzz
