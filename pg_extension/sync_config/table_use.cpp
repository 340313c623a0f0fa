#include "sync_config/table_use.h"

#include <algorithm>

namespace brigade {

namespace {

class UseCollector {
 public:
  UseCollector(const QueryGraph& graph, const GraphBuilder& builder, ConfigText& text)
      : graph_(graph), builder_(builder), text_(text) {
    for (const QueryGraph::Table& table : graph.tables) {
      uses_.push_back({table.pattern, text.place_of(table.offset), {}});
    }
  }

  void run() {
    for (const OutputColumn& column : graph_.columns) add(column.expression);
    for (const Expression& condition : graph_.conditions) add(condition);
    uses_[graph_.result].needs_id = id_is_from_star();
    for (TableUse& use : uses_) text_.add_table_use(std::move(use));
  }

 private:
  bool id_is_from_star() const {
    return std::none_of(
        graph_.columns.begin(), graph_.columns.end(),
        [](const OutputColumn& column) { return !column.star && column.name == "id"; });
  }

  void add(const Expression& expression) {
    if (expression.kind == Expression::Kind::query_in) {
      const ResolvedSubquery& subquery = builder_.resolved_subquery(expression);
      for (const Expression& condition : subquery.conditions) add(condition);
      add(subquery.column);
    } else if (expression.kind == Expression::Kind::column) {
      add_column(expression, ValueClass::other);
    } else if (expression.kind == Expression::Kind::binary && expression.name == "=") {
      add_compared(expression.arguments[0], expression.arguments[1]);
      add_compared(expression.arguments[1], expression.arguments[0]);
      return;
    }
    if (expression.kind == Expression::Kind::metadata) warn_of_suffix(expression);
    for (const Expression& argument : expression.arguments) add(argument);
  }

  void warn_of_suffix(const Expression& expression) {
    if (expression.name != "table_suffix" || expression.source < 0) return;
    const TablePattern& pattern = graph_.tables[expression.source].pattern;
    if (pattern.table.ends_with('%')) return;
    text_.warning(expression.offset,
                  "table_suffix() is always empty: \"" + pattern.table + "\" has no %",
                  "It is what the % of a name such as \"todos_%\" stands for.");
  }

  void add_compared(const Expression& expression, const Expression& other) {
    if (expression.kind != Expression::Kind::column) return add(expression);
    add_column(expression, class_of(other));
  }

  static ValueClass class_of(const Expression& expression) {
    const bool literal = expression.kind == Expression::Kind::literal;
    if (literal && expression.value.is_string()) return ValueClass::text;
    if (literal && expression.value.is_number()) return ValueClass::number;
    const bool user_id =
        expression.kind == Expression::Kind::request && expression.name == "user_id";
    return user_id ? ValueClass::text : ValueClass::other;
  }

  void add_column(const Expression& column, ValueClass equals) {
    uses_[column.source].columns.push_back({column.name, text_.place_of(column.offset), equals});
  }

  const QueryGraph& graph_;
  const GraphBuilder& builder_;
  ConfigText& text_;
  std::vector<TableUse> uses_;
};

}  // namespace

void add_table_uses(const QueryGraph& graph, const GraphBuilder& builder, ConfigText& text) {
  UseCollector(graph, builder, text).run();
}

}  // namespace brigade
