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
      uses_[expression.source].columns.push_back(
          {expression.name, text_.place_of(expression.offset)});
    }
    for (const Expression& argument : expression.arguments) add(argument);
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
