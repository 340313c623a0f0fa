#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sync_config/expression.h"
#include "sync_config/hints.h"
#include "sync_config/plan.h"

namespace brigade {

// The queries that FROM and IN may name.
using CommonTables = std::map<std::string, Select>;

// A query with its names resolved: every column knows its table, and subqueries in FROM are merged
// in.
struct QueryGraph {
  struct Table {
    TablePattern pattern;
    std::string alias;  // empty if none
    SourceOffset offset;
  };
  std::vector<Table> tables;
  int result = -1;  // the table whose rows are synced
  std::vector<OutputColumn> columns;
  std::vector<Expression> conditions;
  // Tables of FROM, without those of subqueries in conditions.
  std::vector<int> from;
};

// A subquery after IN, resolved: its own tables, conditions and the one column it gives.
struct ResolvedSubquery {
  std::vector<int> from;
  std::vector<Expression> conditions;
  Expression column;
};

// Resolves names. Subqueries of conditions stay in place; resolved_subquery() finds them.
class GraphBuilder {
 public:
  GraphBuilder(const CommonTables& common_tables) : common_tables_(common_tables) {}

  // Throws QueryError.
  QueryGraph build(const Select& select);

  // REQUIRES: `expression` is a query_in of the graph that was built.
  const ResolvedSubquery& resolved_subquery(const Expression& expression) const {
    return subqueries_.at(expression.source);
  }

 private:
  // What a name in FROM stands for.
  struct Source {
    enum class Kind { table, function, query };
    std::string name;
    Kind kind = Kind::table;
    int table = -1;                                           // of a table
    std::vector<std::pair<std::string, Expression>> columns;  // of a function or query
    bool qualified_only = false;                              // needs its name before a column
    bool star = false;  // the query's columns are also all of star_table's
    int star_table = -1;

    const Expression* find(const std::string& column) const;
  };
  struct Scope {
    std::vector<Source> sources;
    const Scope* outer = nullptr;
    std::vector<int> tables;
    std::vector<Expression> conditions;  // of merged subqueries
  };

  void add_source(Scope& scope, const FromItem& item);
  const Select* common_table(const std::string& name) const;
  void add_table(Scope& scope, const FromItem& item);
  void add_function(Scope& scope, const FromItem& item);
  void add_query(Scope& scope, const FromItem& item, const Select& select);
  Source derived_source(const std::string& name, const Select& select, const Scope& inner);
  std::vector<Expression> resolve_conditions(const Select& select, Scope& scope);
  Expression resolve(Expression expression, const Scope& scope);
  Expression resolve_column(const Expression& column, const Scope& scope) const;
  Expression table_column(Expression column, int table) const;
  Expression resolve_metadata(Expression expression, const Scope& scope) const;
  Expression resolve_subquery(Expression expression, const Select& select, const Scope& scope);
  Expression resolve_name_in(Expression expression, const Scope& scope);
  void select_columns(const Select& select, const Scope& scope);
  static std::vector<VisibleSource> visible_sources(const Scope& scope);
  static const Source& find_star(const SelectItem& item, const Scope& scope);
  void add_column(const SelectItem& item, const std::string& name, Expression expression);
  void add_star(const SelectItem& item, const Scope& scope);
  void set_result(int table, SourceOffset offset);
  void check_id(const Select& select) const;

  const CommonTables& common_tables_;
  QueryGraph graph_;
  std::vector<ResolvedSubquery> subqueries_;
  int depth_ = 0;
  bool in_common_table_ = false;
};

// The tables an expression reads. `request`: whether it reads the request.
struct ExpressionScope {
  std::set<int> tables;
  bool request = false;
  bool subquery = false;

  // Reads at most one table, or the request, but not both; and no subquery.
  bool single() const { return !subquery && tables.size() + (request ? 1 : 0) <= 1; }
};
ExpressionScope scope_of(const Expression& expression);

// An element of a JSON array: see Definition. It belongs to what the array belongs to.
Expression element_of(Expression array);

}  // namespace brigade
