#include "sync_config/query_graph.h"

#include <algorithm>

#include "sync_config/hints.h"
#include "sync_config/query_error.h"

namespace brigade {

namespace {

using Kind = Expression::Kind;

constexpr int subquery_depth_max = 20;

void add_scope(const Expression& expression, ExpressionScope& scope) {
  if (expression.kind == Kind::query_in) {
    scope.subquery = true;
  } else if (expression.kind == Kind::request) {
    scope.request = true;
  } else if (expression.source >= 0) {
    scope.tables.insert(expression.source);
  }
  for (const Expression& argument : expression.arguments) add_scope(argument, scope);
}

std::string item_name(const SelectItem& item) {
  if (!item.alias.empty()) return item.alias;
  return item.expression.kind == Kind::column ? item.expression.name : std::string();
}

}  // namespace

ExpressionScope scope_of(const Expression& expression) {
  ExpressionScope scope;
  add_scope(expression, scope);
  return scope;
}

Expression element_of(Expression array) {
  Expression element;
  element.kind = Kind::metadata;
  element.name = "element";
  element.offset = array.offset;
  const ExpressionScope scope = scope_of(array);
  if (!scope.tables.empty()) element.source = *scope.tables.begin();
  element.arguments.push_back(std::move(array));
  return element;
}

// ---- FROM

void GraphBuilder::add_source(Scope& scope, const FromItem& item) {
  if (item.kind == FromItem::Kind::query) return add_query(scope, item, *item.query);
  if (item.kind == FromItem::Kind::function) return add_function(scope, item);
  const Select* common = item.schema.empty() ? common_table(item.name) : nullptr;
  if (common == nullptr) return add_table(scope, item);
  in_common_table_ = true;
  add_query(scope, item, *common);
  in_common_table_ = false;
}

// Common tables read tables only: their names mean nothing in each other.
const Select* GraphBuilder::common_table(const std::string& name) const {
  const auto found = common_tables_.find(name);
  return in_common_table_ || found == common_tables_.end() ? nullptr : &found->second;
}

void GraphBuilder::add_table(Scope& scope, const FromItem& item) {
  const int table = static_cast<int>(graph_.tables.size());
  graph_.tables.push_back(
      {{item.schema.empty() ? "public" : item.schema, item.name}, item.alias, item.offset});
  Source source;
  source.name = item.alias.empty() ? item.name : item.alias;
  source.table = table;
  for (const Source& other : scope.sources) {
    if (other.name != source.name) continue;
    throw QueryError(item.offset, "\"" + source.name + "\" is twice in FROM",
                     "Give each its own alias.");
  }
  scope.tables.push_back(table);
  scope.sources.push_back(std::move(source));
}

void GraphBuilder::add_function(Scope& scope, const FromItem& item) {
  Expression array = resolve(item.argument, scope);
  if (!scope_of(array).single()) {
    throw QueryError(item.offset, "json_each() reads more than one table",
                     "Give it one column, or one request parameter.");
  }
  Source source;
  source.name = item.alias.empty() ? item.name : item.alias;
  source.kind = Source::Kind::function;
  source.columns.emplace_back("value", element_of(std::move(array)));
  scope.sources.push_back(std::move(source));
}

void GraphBuilder::add_query(Scope& scope, const FromItem& item, const Select& select) {
  Scope inner;
  if (++depth_ > subquery_depth_max) {
    throw QueryError(item.offset, "subqueries are nested too deeply", "Simplify the query.");
  }
  for (const FromItem& source : select.from) add_source(inner, source);
  std::vector<Expression> conditions = resolve_conditions(select, inner);
  depth_--;
  const std::string name = item.alias.empty() ? item.name : item.alias;
  scope.sources.push_back(derived_source(name, select, inner));
  scope.sources.back().qualified_only = item.qualified_only;
  scope.tables.insert(scope.tables.end(), inner.tables.begin(), inner.tables.end());
  std::move(conditions.begin(), conditions.end(), std::back_inserter(scope.conditions));
}

GraphBuilder::Source GraphBuilder::derived_source(const std::string& name, const Select& select,
                                                  const Scope& inner) {
  Source source;
  source.name = name;
  source.kind = Source::Kind::query;
  for (const SelectItem& item : select.items) {
    if (!item.star) {
      source.columns.emplace_back(item_name(item), resolve(item.expression, inner));
      continue;
    }
    if (inner.tables.size() != 1) {
      throw QueryError(item.offset, "* of several tables in a subquery", "Name the columns.");
    }
    source.star = true;
    source.star_table = inner.tables.front();
  }
  return source;
}

std::vector<Expression> GraphBuilder::resolve_conditions(const Select& select, Scope& scope) {
  std::vector<Expression> conditions = std::move(scope.conditions);
  for (const Expression& condition : select.conditions) {
    conditions.push_back(resolve(condition, scope));
  }
  return conditions;
}

// ---- names

// Sync rules know the table's suffix as a column.
Expression GraphBuilder::table_column(Expression column, int table) const {
  if (column.name == "_table_suffix" && graph_.tables[table].pattern.table.ends_with('%')) {
    column.kind = Kind::metadata;
    column.name = "table_suffix";
  }
  column.source = table;
  column.qualifier.clear();
  return column;
}

Expression GraphBuilder::resolve_column(const Expression& column, const Scope& scope) const {
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    std::vector<Expression> found;
    for (const Source& source : level->sources) {
      const bool anywhere = column.qualifier.empty() && !source.qualified_only;
      if (!anywhere && column.qualifier != source.name) continue;
      if (const Expression* derived = source.find(column.name)) {
        found.push_back(*derived);
      } else if (source.table >= 0 || source.star) {
        found.push_back(table_column(column, source.table >= 0 ? source.table : source.star_table));
      }
    }
    if (found.size() == 1) return found.front();
    if (found.size() > 1) {
      throw QueryError(column.offset, "column \"" + column.name + "\" could be of several tables",
                       "Write it with its table: table." + column.name + ".");
    }
  }
  const std::string name =
      column.qualifier.empty() ? column.name : column.qualifier + "." + column.name;
  throw QueryError(column.offset, "unknown column \"" + name + "\"",
                   remedy_of_column(column, visible_sources(scope)));
}

const Expression* GraphBuilder::Source::find(const std::string& column) const {
  // The last of a name counts, as in a row.
  const auto found = std::find_if(columns.rbegin(), columns.rend(),
                                  [&](const auto& entry) { return entry.first == column; });
  return found == columns.rend() ? nullptr : &found->second;
}

std::vector<VisibleSource> GraphBuilder::visible_sources(const Scope& scope) {
  std::vector<VisibleSource> visible;
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    for (const Source& source : level->sources) {
      VisibleSource& added = visible.emplace_back();
      added.name = source.name;
      added.any_column = source.kind == Source::Kind::table || source.star;
      for (const auto& [name, expression] : source.columns) added.columns.push_back(name);
    }
  }
  return visible;
}

Expression GraphBuilder::resolve_metadata(Expression expression, const Scope& scope) const {
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    for (const Source& source : level->sources) {
      if (source.name != expression.qualifier || source.table < 0) continue;
      expression.source = source.table;
      expression.qualifier.clear();
      return expression;
    }
  }
  throw QueryError(
      expression.offset,
      "unknown table \"" + expression.qualifier + "\" before ." + expression.name + "()",
      "Use a table or alias of FROM.");
}

Expression GraphBuilder::resolve_subquery(Expression expression, const Select& select,
                                          const Scope& scope) {
  if (++depth_ > subquery_depth_max) {
    throw QueryError(expression.offset, "subqueries are nested too deeply", "Simplify the query.");
  }
  Scope inner;
  inner.outer = &scope;
  for (const FromItem& item : select.from) add_source(inner, item);
  if (select.items.size() != 1 || select.items.front().star) {
    throw QueryError(select.offset, "a subquery after IN must select one column",
                     "Name the one column to compare with.");
  }
  ResolvedSubquery subquery;
  subquery.conditions = resolve_conditions(select, inner);
  subquery.column = resolve(select.items.front().expression, inner);
  subquery.from = inner.tables;
  depth_--;
  expression.kind = Kind::query_in;
  expression.query = nullptr;
  expression.source = static_cast<int>(subqueries_.size());
  subqueries_.push_back(std::move(subquery));
  return expression;
}

Expression GraphBuilder::resolve_name_in(Expression expression, const Scope& scope) {
  if (const Select* common = common_table(expression.key)) {
    expression.key.clear();
    in_common_table_ = true;
    Expression resolved = resolve_subquery(std::move(expression), *common, scope);
    in_common_table_ = false;
    return resolved;
  }
  Expression column;
  column.kind = Kind::column;
  column.name = std::move(expression.key);
  column.offset = expression.offset;
  expression.key.clear();
  expression.kind = expression.name == "&&" ? Kind::overlap : Kind::array_in;
  if (expression.kind == Kind::overlap) expression.name.clear();
  expression.arguments.push_back(resolve_column(column, scope));
  return expression;
}

Expression GraphBuilder::resolve(Expression expression, const Scope& scope) {
  for (Expression& argument : expression.arguments) {
    argument = resolve(std::move(argument), scope);
  }
  switch (expression.kind) {
    case Kind::column:
      return resolve_column(expression, scope);
    case Kind::metadata:
      return resolve_metadata(std::move(expression), scope);
    case Kind::query_in: {
      const std::shared_ptr<Select> select = expression.query;
      return resolve_subquery(std::move(expression), *select, scope);
    }
    case Kind::name_in:
      return resolve_name_in(std::move(expression), scope);
    default:
      return expression;
  }
}

// ---- SELECT

void GraphBuilder::set_result(int table, SourceOffset offset) {
  if (graph_.result >= 0 && graph_.result != table) {
    throw QueryError(offset, "columns of more than one table are selected",
                     "Select columns of one table; join others only to filter.");
  }
  graph_.result = table;
}

// The source that a star means: the one it names, or the only table; or the only query.
const GraphBuilder::Source& GraphBuilder::find_star(const SelectItem& item, const Scope& scope) {
  const Source* found = nullptr;
  for (const Source& source : scope.sources) {
    const bool rows = source.kind == Source::Kind::table || source.star;
    const bool only = scope.sources.size() == 1 && source.kind == Source::Kind::query;
    const bool meant = item.qualifier.empty() ? rows || only : source.name == item.qualifier;
    if (!meant || source.kind == Source::Kind::function) continue;
    if (found != nullptr) {
      throw QueryError(item.offset, "* selects columns of more than one table",
                       "Write table.* for the table to sync.");
    }
    found = &source;
  }
  if (found != nullptr) return *found;
  throw QueryError(item.offset, "* has no table here", "Use a table or alias of FROM.");
}

void GraphBuilder::add_star(const SelectItem& item, const Scope& scope) {
  const Source& source = find_star(item, scope);
  const int table = source.kind == Source::Kind::table ? source.table : source.star_table;
  if (table >= 0) {
    set_result(table, item.offset);
    graph_.columns.push_back({true, {}, {}});
  }
  for (const auto& [name, expression] : source.columns) add_column(item, name, expression);
}

void GraphBuilder::add_column(const SelectItem& item, const std::string& name,
                              Expression expression) {
  if (name.empty()) {
    throw QueryError(item.offset, "an expression in SELECT has no name", "Add AS and a name.");
  }
  const ExpressionScope reads = scope_of(expression);
  if (reads.request || reads.subquery) {
    throw QueryError(item.offset, "a selected column cannot depend on the request",
                     "Rows are shared by users: use request parameters in WHERE only.");
  }
  for (const int table : reads.tables) set_result(table, item.offset);
  graph_.columns.push_back({false, name, std::move(expression)});
}

void GraphBuilder::select_columns(const Select& select, const Scope& scope) {
  for (const SelectItem& item : select.items) {
    if (item.star) {
      add_star(item, scope);
      continue;
    }
    add_column(item, item_name(item), resolve(item.expression, scope));
  }
  if (graph_.result < 0) {
    throw QueryError(select.offset, "no column of a table is selected",
                     "Select at least the table's id.");
  }
}

void GraphBuilder::check_id(const Select& select) const {
  for (const OutputColumn& column : graph_.columns) {
    if (column.star || column.name == "id") return;
  }
  throw QueryError(select.offset, "the query selects no \"id\"",
                   "Select the column that identifies a row, AS id.");
}

QueryGraph GraphBuilder::build(const Select& select) {
  if (select.from.empty()) {
    throw QueryError(select.offset, "the query has no FROM", "Name the table to sync.");
  }
  Scope scope;
  for (const FromItem& item : select.from) add_source(scope, item);
  graph_.from = scope.tables;
  select_columns(select, scope);
  check_id(select);
  graph_.conditions = resolve_conditions(select, scope);
  return std::move(graph_);
}

}  // namespace brigade
