#include "sync_config/stream_compiler.h"

#include "sync_config/json_path.h"
#include "sync_config/parser.h"
#include "sync_config/query_error.h"
#include "sync_config/table_use.h"
#include "sync_config/variant_compiler.h"
#include "sync_config/variants.h"

namespace brigade {

namespace {

constexpr int default_priority = 3;
// SELECT a :: text is a map: YAML ends a key at a colon and a blank.
constexpr const char* quote_query = "Write it after `|`, or in quotes if it has `: ` or ` #`.";

}  // namespace

bool read_bool(const YAML::Node& node, const char* key, ConfigText& text) {
  bool value = false;
  if (node && !YAML::convert<bool>::decode(node, value)) {
    text.error(node, std::string("\"") + key + "\" must be true or false",
               std::string("Write `") + key + ": true`, or leave it out.");
  }
  return value;
}

// ---- definitions and queriers

uint32_t PlanBuilder::add_definition(Definition definition) {
  seal(definition, plan_.value_options);
  for (uint32_t i = 0; i < plan_.definitions.size(); i++) {
    if (plan_.definitions[i].canonical == definition.canonical) return i;
  }
  plan_.definitions.push_back(std::move(definition));
  return static_cast<uint32_t>(plan_.definitions.size() - 1);
}

// Every value such a lookup gives is a bucket of every client, and the table may grow.
void PlanBuilder::warn_of_unlinked_lookups(const YAML::Node& node,
                                           const CompiledVariant& compiled) {
  for (const Step& step : compiled.querier.steps) {
    if (step.kind != Step::Kind::lookup || step.keys > 0 || step.variables.empty()) continue;
    const TablePattern& table = compiled.lookups[step.definition].table;
    text_.warning(node,
                  "each row of \"" + table.schema + "." + table.table +
                      "\" can give every client a bucket, since nothing links it to the request",
                  "Link it, for example by a column that equals auth.user_id().");
  }
}

bool PlanBuilder::add_variant(const YAML::Node& node, const QueryGraph& graph,
                              const Variant& variant, Stream& stream, bool plain_names) {
  CompiledVariant compiled = compile_variant(graph, variant);
  warn_of_unlinked_lookups(node, compiled);
  std::vector<uint32_t> lookups;
  for (Definition& lookup : compiled.lookups) lookups.push_back(add_definition(std::move(lookup)));
  for (Step& step : compiled.querier.steps) {
    if (step.kind == Step::Kind::lookup) step.definition = lookups[step.definition];
  }
  std::set<uint32_t> sources;
  for (const Querier& querier : stream.queriers) sources.insert(querier.source);
  compiled.source.bucket_name =
      plain_names ? stream.name : stream.name + "|" + std::to_string(sources.size());
  compiled.querier.source = add_definition(std::move(compiled.source));
  compiled.querier.line = node.Mark().line + 1;
  stream.queriers.push_back(std::move(compiled.querier));
  return compiled.reads_client_parameters && !compiled.reads_auth;
}

bool PlanBuilder::add_query(const YAML::Node& node, const Select& select,
                            const CommonTables& common_tables, Stream& stream, bool plain_names) {
  bool dangerous = false;  // one branch of an OR is enough to get rows by
  try {
    GraphBuilder builder(common_tables);
    const QueryGraph graph = builder.build(select);
    add_table_uses(graph, builder, text_);
    for (const Variant& variant : expand_variants(graph, builder)) {
      dangerous = add_variant(node, graph, variant, stream, plain_names) || dangerous;
    }
  } catch (const QueryError& error) {
    text_.error(error.offset(), error.what(), error.remedy());
  }
  return dangerous;
}

void warn_of_client_parameters(const YAML::Node& name, const std::string& what, ConfigText& text) {
  text.warning(
      name,
      what + " \"" + name.Scalar() + "\" filters only by parameters that clients choose freely",
      "Add a condition on auth.user_id() or auth.parameter(), in each branch of an OR, or "
      "set accept_potentially_dangerous_queries: true.");
}

std::shared_ptr<Select> parse_scalar(const YAML::Node& node, ConfigText& text) {
  try {
    auto select = std::make_shared<Select>(parse_query(node.Scalar(), text.add_query(node)));
    resolve_json_paths(*select, text.splits_json_paths);
    return select;
  } catch (const QueryError& error) {
    text.error(error.offset(), error.what(), error.remedy());
    return nullptr;
  }
}

// ---- YAML

std::vector<YAML::Node> scalars_of(const YAML::Node& node, ConfigText& text) {
  if (!node) return {};
  if (node.IsScalar()) return {node};
  std::vector<YAML::Node> scalars;
  if (!node.IsSequence()) {
    text.error(node, "a query must be text, or a list of texts", quote_query);
    return scalars;
  }
  for (const YAML::Node& item : node) {
    if (item.IsScalar()) {
      scalars.push_back(item);
    } else {
      text.error(item, "a query must be text", quote_query);
    }
  }
  return scalars;
}

int read_priority(const YAML::Node& node, int fallback, ConfigText& text) {
  if (!node) return fallback;
  int priority = fallback;
  if (!YAML::convert<int>::decode(node, priority) || priority < 0 || priority > 3) {
    text.error(node, "priority must be 0, 1, 2 or 3", "0 is the most urgent, 3 the default.");
    return fallback;
  }
  return priority;
}

namespace {

// A common table that reads another would hide a chain of lookups; nested subqueries show it.
class ChainCheck {
 public:
  ChainCheck(const std::set<std::string>& names, ConfigText& text) : names_(names), text_(text) {}

  void check(const Select& select) {
    for (const FromItem& item : select.from) {
      if (item.query) check(*item.query);
      const bool unqualified = item.kind == FromItem::Kind::table && item.schema.empty();
      if (unqualified && names_.contains(item.name)) reject(item.offset, item.name);
    }
    for (const Expression& condition : select.conditions) check(condition);
  }

 private:
  void check(const Expression& expression) {
    const bool named = expression.kind == Expression::Kind::name_in;
    if (named && names_.contains(expression.key)) reject(expression.offset, expression.key);
    if (expression.query) check(*expression.query);
    for (const Expression& argument : expression.arguments) check(argument);
  }

  void reject(SourceOffset offset, const std::string& name) {
    text_.error(offset, "a query of `with:` cannot use another, \"" + name + "\"",
                "Use a nested subquery instead.");
  }

  const std::set<std::string>& names_;
  ConfigText& text_;
};

}  // namespace

CommonTables read_common_tables(const YAML::Node& with, const CommonTables& global,
                                ConfigText& text) {
  CommonTables tables;
  if (!with) return tables;
  if (!with.IsMap()) {
    text.error(with, "\"with\" must be a map of names to queries",
               "Write `name: SELECT ...` below it.");
    return tables;
  }
  std::set<std::string> names;
  for (const auto& entry : global) names.insert(entry.first);
  for (const auto& entry : with) names.insert(entry.first.Scalar());
  for (const auto& entry : with) {
    if (!entry.second.IsScalar()) {
      text.error(entry.second, "a query must be text", quote_query);
      continue;
    }
    const std::shared_ptr<Select> select = parse_scalar(entry.second, text);
    if (select == nullptr) continue;
    // It may have the name of the table it reads.
    std::set<std::string> others = names;
    others.erase(entry.first.Scalar());
    ChainCheck(others, text).check(*select);
    tables[entry.first.Scalar()] = *select;
  }
  return tables;
}

namespace {

class StreamCompiler {
 public:
  StreamCompiler(ConfigText& text, Plan& plan, const CommonTables& global)
      : text_(text), plan_(plan), global_(global) {}

  void compile(const YAML::Node& name, const YAML::Node& body) {
    if (!body.IsMap()) {
      text_.error(body.IsNull() ? name : body, "a stream must be a map with a query",
                  "Write `" + name.Scalar() + ":` and below it `query: SELECT ...`.");
      return;
    }
    text_.reject_unknown_keys(body,
                              {"query", "queries", "with", "auto_subscribe", "priority",
                               "accept_potentially_dangerous_queries"},
                              "stream \"" + name.Scalar() + "\"");
    Stream stream;
    stream.name = name.Scalar();
    stream.auto_subscribe = read_bool(body["auto_subscribe"], "auto_subscribe", text_);
    stream.priority = read_priority(body["priority"], default_priority, text_);
    compile_queries(name, body, stream);
    plan_.streams.push_back(std::move(stream));
  }

 private:
  std::vector<YAML::Node> queries_of(const YAML::Node& name, const YAML::Node& body) {
    if (body["query"] && body["queries"]) {
      text_.error(body["queries"], "a stream has `query` or `queries`, not both",
                  "Move the query into `queries`.");
    }
    std::vector<YAML::Node> queries =
        scalars_of(body["query"] ? body["query"] : body["queries"], text_);
    if (queries.empty() && !text_.has_errors()) {
      text_.error(name, "stream \"" + name.Scalar() + "\" has no query",
                  "Add `query: SELECT ...`.");
    }
    return queries;
  }

  void compile_queries(const YAML::Node& name, const YAML::Node& body, Stream& stream) {
    CommonTables tables = read_common_tables(body["with"], global_, text_);
    // The stream's own come first: they hide global ones of the same name.
    tables.insert(global_.begin(), global_.end());
    PlanBuilder builder(text_, plan_);
    bool dangerous = false;
    for (const YAML::Node& query : queries_of(name, body)) {
      const std::shared_ptr<Select> select = parse_scalar(query, text_);
      if (select == nullptr) continue;
      dangerous = builder.add_query(query, *select, tables, stream, false) || dangerous;
    }
    const bool accepted = read_bool(body["accept_potentially_dangerous_queries"],
                                    "accept_potentially_dangerous_queries", text_);
    if (dangerous && !accepted) warn_of_client_parameters(name, "stream", text_);
  }

  ConfigText& text_;
  Plan& plan_;
  const CommonTables& global_;
};

// Streams may mean a table by a name that a global query has.
void add_hidden_tables(const YAML::Node& global_with, ConfigText& text) {
  for (const auto& entry : global_with) {
    const YAML::Mark mark = entry.first.Mark();
    TableUse use{{"public", entry.first.Scalar()}, {mark.line + 1, mark.column + 1}, {}};
    use.hidden = true;
    text.add_table_use(std::move(use));
  }
}

}  // namespace

void compile_streams(const YAML::Node& streams, const YAML::Node& global_with, ConfigText& text,
                     Plan& plan) {
  if (!streams.IsMap()) {
    text.error(streams, "\"streams\" must be a map of names to streams",
               "Write `name:` below it, and below that `query: SELECT ...`.");
    return;
  }
  const CommonTables global = read_common_tables(global_with, {}, text);
  if (global_with && global_with.IsMap()) add_hidden_tables(global_with, text);
  StreamCompiler compiler(text, plan, global);
  std::set<std::string> names;
  for (const auto& entry : streams) {
    if (!names.insert(entry.first.Scalar()).second) {
      text.error(entry.first, "stream \"" + entry.first.Scalar() + "\" is defined twice",
                 "Rename one of them.");
    }
    compiler.compile(entry.first, entry.second);
  }
}

}  // namespace brigade
