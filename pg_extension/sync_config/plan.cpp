#include "sync_config/plan.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdexcept>
#include <utility>

namespace brigade {

using nlohmann::json;

namespace {

constexpr int plan_version = 1;

bool matches_pattern(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('%')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}

json list(const std::vector<Expression>& expressions) {
  auto result = json::array();
  for (const Expression& expression : expressions) result.push_back(to_json(expression));
  return result;
}

std::vector<Expression> expressions(const json& source) {
  std::vector<Expression> result;
  for (const json& item : source) result.push_back(expression_from_json(item));
  return result;
}

json column_json(const OutputColumn& column) {
  if (column.star) return "*";
  return {{"name", column.name}, {"expression", to_json(column.expression)}};
}

OutputColumn column_from(const json& source) {
  if (source == "*") return {true, {}, {}};
  return {false, source.at("name"), expression_from_json(source.at("expression"))};
}

// What the definition means, without what it is called.
json meaning(const Definition& definition) {
  json result = {
      {"kind",
       definition.kind == Definition::Kind::bucket_source ? "bucket_source" : "lookup_index"},
      {"schema", definition.table.schema},
      {"table", definition.table.table},
      {"filters", list(definition.filters)},
      {"key", list(definition.key)},
  };
  if (definition.kind == Definition::Kind::lookup_index) {
    result["values"] = list(definition.values);
    return result;
  }
  result["output_table"] = definition.output_table;
  for (const OutputColumn& column : definition.columns) {
    result["columns"].push_back(column_json(column));
  }
  return result;
}

json options_json(const ValueOptions& options) {
  return {{"timestamps_iso8601", options.timestamps_iso8601},
          {"timestamp_precision_max", options.timestamp_precision_max},
          {"custom_postgres_types", options.custom_postgres_types}};
}

// The library converts any number to any other, and what does not fit to anything.
template <typename Number>
Number number_from(const json& source) {
  const bool fits = source.is_number_unsigned() ? std::in_range<Number>(source.get<uint64_t>())
                                                : source.is_number_integer() &&
                                                      std::in_range<Number>(source.get<int64_t>());
  if (!fits) throw std::runtime_error("plan: a number is not whole, or too large");
  return source.get<Number>();
}

std::vector<uint32_t> numbers_from(const json& source) {
  std::vector<uint32_t> numbers;
  for (const json& number : source) numbers.push_back(number_from<uint32_t>(number));
  return numbers;
}

ValueOptions options_from(const json& source) {
  return {source.at("timestamps_iso8601"), number_from<int>(source.at("timestamp_precision_max")),
          source.at("custom_postgres_types")};
}

Definition definition_from(const json& source, const ValueOptions& options) {
  Definition definition;
  const bool lookup = source.at("kind") == "lookup_index";
  definition.kind = lookup ? Definition::Kind::lookup_index : Definition::Kind::bucket_source;
  definition.table = {source.at("schema"), source.at("table")};
  definition.filters = expressions(source.at("filters"));
  definition.key = expressions(source.at("key"));
  definition.bucket_name = source.value("bucket_name", "");
  if (lookup) {
    definition.values = expressions(source.at("values"));
  } else {
    definition.output_table = source.at("output_table");
    for (const json& column : source.at("columns")) {
      definition.columns.push_back(column_from(column));
    }
  }
  seal(definition, options);
  return definition;
}

constexpr std::string_view step_names[] = {"condition", "bind", "expand", "lookup"};

json step_json(const Step& step) {
  return {{"kind", step_names[static_cast<int>(step.kind)]},
          {"expression", to_json(step.expression)},
          {"definition", step.definition},
          {"keys", step.keys},
          {"variables", step.variables}};
}

Step::Kind step_kind(const std::string& name) {
  for (size_t i = 0; i < std::size(step_names); i++) {
    if (step_names[i] == name) return static_cast<Step::Kind>(i);
  }
  throw std::runtime_error("plan: unknown step \"" + name + "\"");
}

// An index read from outside must lie inside what it points into.
void require_below(size_t index, size_t limit, const char* what) {
  if (index >= limit) throw std::runtime_error(std::string("plan: no such ") + what);
}

Step step_from(const json& source, const Plan& plan, uint32_t variable_count) {
  Step step;
  step.kind = step_kind(source.at("kind"));
  step.expression = expression_from_json(source.at("expression"));
  step.definition = number_from<decltype(step.definition)>(source.at("definition"));
  step.keys = number_from<decltype(step.keys)>(source.at("keys"));
  step.variables = numbers_from(source.at("variables"));
  for (const uint32_t variable : step.variables) {
    require_below(variable, variable_count, "variable");
  }
  if (step.kind == Step::Kind::lookup) {
    require_below(step.definition, plan.definitions.size(), "definition");
    require_below(step.keys, step.variables.size() + 1, "key");
  } else if (step.kind != Step::Kind::condition) {
    require_below(0, step.variables.size(), "variable");
  }
  return step;
}

json querier_json(const Querier& querier) {
  auto steps = json::array();
  for (const Step& step : querier.steps) steps.push_back(step_json(step));
  return {{"source", querier.source},
          {"variable_count", querier.variable_count},
          {"steps", steps},
          {"parameters", querier.parameters},
          {"line", querier.line}};
}

Querier querier_from(const json& source, const Plan& plan) {
  Querier querier;
  querier.source = number_from<decltype(querier.source)>(source.at("source"));
  require_below(querier.source, plan.definitions.size(), "definition");
  querier.variable_count = number_from<uint32_t>(source.at("variable_count"));
  require_below(querier.variable_count, 10000, "variable count");
  for (const json& step : source.at("steps")) {
    querier.steps.push_back(step_from(step, plan, querier.variable_count));
  }
  querier.parameters = numbers_from(source.at("parameters"));
  for (const uint32_t variable : querier.parameters) {
    require_below(variable, querier.variable_count, "variable");
  }
  querier.line = number_from<int>(source.at("line"));
  return querier;
}

json stream_json(const Stream& stream) {
  auto queriers = json::array();
  for (const Querier& querier : stream.queriers) queriers.push_back(querier_json(querier));
  return {{"name", stream.name},
          {"auto_subscribe", stream.auto_subscribe},
          {"priority", stream.priority},
          {"queriers", queriers}};
}

Stream stream_from(const json& source, const Plan& plan) {
  Stream stream{
      source.at("name"), source.at("auto_subscribe"), number_from<int>(source.at("priority")), {}};
  for (const json& querier : source.at("queriers")) {
    stream.queriers.push_back(querier_from(querier, plan));
  }
  return stream;
}

Plan plan_from(const json& source) {
  if (source.at("version") != plan_version) throw std::runtime_error("plan: unknown version");
  Plan plan;
  plan.value_options = options_from(source.at("value_options"));
  plan.versioned_bucket_ids = source.at("versioned_bucket_ids");
  for (const json& definition : source.at("definitions")) {
    plan.definitions.push_back(definition_from(definition, plan.value_options));
  }
  for (const json& stream : source.at("streams")) {
    plan.streams.push_back(stream_from(stream, plan));
  }
  return plan;
}

}  // namespace

bool TablePattern::matches(std::string_view actual_schema, std::string_view actual_table) const {
  return matches_pattern(schema, actual_schema) && matches_pattern(table, actual_table);
}

std::string_view TablePattern::suffix(std::string_view actual_table) const {
  return table.ends_with('%') ? actual_table.substr(table.size() - 1) : std::string_view();
}

void seal(Definition& definition, const ValueOptions& options) {
  json identity = meaning(definition);
  identity["value_options"] = options_json(options);
  definition.canonical = identity.dump();
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical,
                           XXH3_128bits(definition.canonical.data(), definition.canonical.size()));
  constexpr std::string_view digits = "0123456789abcdef";
  definition.digest.clear();
  for (const unsigned char byte : canonical.digest) {
    definition.digest += digits[byte >> 4];
    definition.digest += digits[byte & 15];
  }
}

std::string serialize(const Plan& plan) {
  json result = {{"version", plan_version},
                 {"value_options", options_json(plan.value_options)},
                 {"versioned_bucket_ids", plan.versioned_bucket_ids},
                 {"definitions", json::array()},
                 {"streams", json::array()}};
  for (const Definition& definition : plan.definitions) {
    json entry = meaning(definition);
    entry["bucket_name"] = definition.bucket_name;
    result["definitions"].push_back(entry);
  }
  for (const Stream& stream : plan.streams) result["streams"].push_back(stream_json(stream));
  return result.dump();
}

Plan deserialize(std::string_view text) {
  try {
    return plan_from(json::parse(text));
  } catch (const json::exception& exception) {
    throw std::runtime_error(std::string("plan: ") + exception.what());
  }
}

}  // namespace brigade
