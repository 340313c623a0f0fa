#include "sync_config/bucket_definitions.h"

#include <algorithm>

#include "sync_config/query_error.h"
#include "sync_config/stream_compiler.h"

namespace brigade {

namespace {

constexpr int default_priority = 3;

// A data query beside one parameter query: the parameters are a subquery named `bucket`.
Select with_parameters(const Select& data, const std::shared_ptr<Select>& parameters) {
  Select combined = data;
  FromItem bucket;
  bucket.kind = FromItem::Kind::query;
  bucket.query = parameters;
  bucket.alias = "bucket";
  bucket.qualified_only = true;
  bucket.offset = data.offset;
  combined.from.push_back(std::move(bucket));
  return combined;
}

// `1 AS _priority` among the parameters is the priority of their buckets.
int take_priority(Select& parameters, int fallback, ConfigText& text) {
  for (auto item = parameters.items.begin(); item != parameters.items.end(); ++item) {
    if (item->alias != "_priority") continue;
    const nlohmann::json value = item->expression.value;
    const SourceOffset offset = item->offset;
    parameters.items.erase(item);
    if (value.is_number_integer() && value >= 0 && value <= 3) return value.get<int>();
    text.error(offset, "_priority must be 0, 1, 2 or 3", "Write, for example, 1 AS _priority.");
    return fallback;
  }
  return fallback;
}

bool reads_parameter(const Expression& expression, const std::string& name) {
  if (expression.kind == Expression::Kind::column && expression.qualifier == "bucket" &&
      expression.name == name) {
    return true;
  }
  return std::any_of(expression.arguments.begin(), expression.arguments.end(),
                     [&](const Expression& argument) { return reads_parameter(argument, name); });
}

// A bucket is one for each combination of its parameters: a query that leaves one out would put
// its rows into all of them.
void require_all_parameters(const Select& data, const Select& parameters, ConfigText& text) {
  for (const SelectItem& item : parameters.items) {
    const std::string name = item.alias.empty() ? item.expression.name : item.alias;
    const bool read =
        std::any_of(data.conditions.begin(), data.conditions.end(),
                    [&](const Expression& condition) { return reads_parameter(condition, name); });
    if (read) continue;
    text.error(data.offset, "the data query does not use the parameter bucket." + name,
               "Add AND column = bucket." + name +
                   ", or move the query to a definition without this parameter.");
  }
}

class DefinitionCompiler {
 public:
  DefinitionCompiler(ConfigText& text, Plan& plan) : text_(text), plan_(plan) {}

  void compile(const YAML::Node& name, const YAML::Node& body) {
    if (!body.IsMap()) {
      text_.error(name, "a bucket definition must be a map", "Add `data:` with queries.");
      return;
    }
    text_.reject_unknown_keys(
        body, {"parameters", "data", "priority", "accept_potentially_dangerous_queries"},
        "bucket definition \"" + name.Scalar() + "\"");
    const int priority = read_priority(body["priority"], default_priority, text_);
    const std::vector<YAML::Node> data = scalars_of(body["data"], text_);
    if (data.empty()) {
      text_.error(name, "bucket definition \"" + name.Scalar() + "\" has no data",
                  "Add `data:` with at least one query.");
    }
    const bool accepted = read_bool(body["accept_potentially_dangerous_queries"],
                                    "accept_potentially_dangerous_queries", text_);
    const bool dangerous = add_streams(name, priority, data, scalars_of(body["parameters"], text_));
    if (dangerous && !accepted) warn_of_client_parameters(name, "bucket definition", text_);
  }

 private:
  // Parameter queries of one definition differ in priority at most: each is a stream of its name.
  // True, here and below: as of PlanBuilder::add_query().
  bool add_streams(const YAML::Node& name, int priority, const std::vector<YAML::Node>& data,
                   const std::vector<YAML::Node>& parameters) {
    if (parameters.empty()) return add_stream(name, priority, data, nullptr);
    bool dangerous = false;
    for (const YAML::Node& node : parameters) {
      const std::shared_ptr<Select> query = parse_scalar(node, text_);
      if (query == nullptr) continue;
      const int own_priority = take_priority(*query, priority, text_);
      dangerous = add_stream(name, own_priority, data, query) || dangerous;
    }
    return dangerous;
  }

  bool add_stream(const YAML::Node& name, int priority, const std::vector<YAML::Node>& data,
                  const std::shared_ptr<Select>& parameters) {
    Stream stream{name.Scalar(), true, priority, {}};
    PlanBuilder builder(text_, plan_);
    bool dangerous = false;
    for (const YAML::Node& node : data) {
      const std::shared_ptr<Select> select = parse_scalar(node, text_);
      if (select == nullptr) continue;
      if (parameters != nullptr) require_all_parameters(*select, *parameters, text_);
      const Select combined =
          parameters == nullptr ? *select : with_parameters(*select, parameters);
      dangerous = builder.add_query(node, combined, {}, stream, true) || dangerous;
    }
    plan_.streams.push_back(std::move(stream));
    return dangerous;
  }

  ConfigText& text_;
  Plan& plan_;
};

}  // namespace

void compile_bucket_definitions(const YAML::Node& definitions, ConfigText& text, Plan& plan) {
  if (!definitions.IsMap()) {
    text.error(definitions, "\"bucket_definitions\" must be a map of names to definitions",
               "Write `name:` below it, and below that `data:` with queries.");
    return;
  }
  DefinitionCompiler compiler(text, plan);
  for (const auto& entry : definitions) compiler.compile(entry.first, entry.second);
}

}  // namespace brigade
