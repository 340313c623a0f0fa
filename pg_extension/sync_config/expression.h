#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace brigade {

struct Select;

// A place in a query: characters from the start of all queries' texts (ConfigText::add_query).
struct SourceOffset {
  size_t value = 0;
};

// A scalar expression, from the parser to the plan. Which fields mean something depends on `kind`.
struct Expression {
  enum class Kind : uint8_t {
    literal,      // value
    column,       // qualifier (may be empty), name
    request,      // name: "auth", "connection", "subscription"; key: parameter, or empty for all
    metadata,     // qualifier, name: "schema", "table_name", "table_suffix"
    call,         // name, arguments
    unary,        // name: "NOT", "-", "+", "IS NULL", "IS NOT NULL"; one argument
    binary,       // name: the operator; two arguments
    between,      // name: "BETWEEN", "NOT BETWEEN"; three arguments
    list_in,      // name: "IN", "NOT IN"; the left side, then the elements
    array_in,     // name: "IN", "NOT IN"; the left side, then a JSON array
    query_in,     // name: "IN", "NOT IN", "&&"; the left side; query
    name_in,      // name: "IN", "NOT IN", "&&"; the left side; key: a CTE's or column's name
    overlap,      // "&&" of two JSON arrays
    simple_case,  // the operand, then WHEN, THEN pairs, then ELSE if their number is odd
    search_case,  // WHEN, THEN pairs, then ELSE if their number is odd
    cast,         // name: the type; one argument
  };

  Kind kind = Kind::literal;
  std::string qualifier;
  std::string name;
  std::string key;
  nlohmann::json value;
  std::vector<Expression> arguments;
  std::shared_ptr<Select> query;
  SourceOffset offset;
  // Which table of the query a column belongs to; set by name resolution. Not serialised: a plan's
  // expressions read one table's row, or the request.
  int source = -1;
};

// A query's FROM clause holds these, joined.
struct FromItem {
  enum class Kind : uint8_t { table, function, query };
  Kind kind = Kind::table;
  std::string schema;           // tables: empty for the default one
  std::string name;             // tables: may be a CTE's; functions: "json_each"
  std::string alias;            // empty if none
  bool qualified_only = false;  // its columns are found only with the alias before them
  Expression argument;          // functions
  std::shared_ptr<Select> query;
  SourceOffset offset;
};

struct SelectItem {
  bool star = false;
  std::string qualifier;  // of the star
  Expression expression;
  std::string alias;
  SourceOffset offset;
};

struct Select {
  std::vector<SelectItem> items;
  std::vector<FromItem> from;
  std::vector<Expression> conditions;  // of ON and WHERE, all of which must hold
  SourceOffset offset;
};

// The serialised form of an expression without queries. Equal meaning of names, values and
// structure gives equal text, whatever the layout was.
nlohmann::json to_json(const Expression& expression);
// Throws std::runtime_error for anything to_json() does not make.
Expression expression_from_json(const nlohmann::json& json);

// SQL text for SQLite. Columns, request parameters and table metadata become numbered parameters,
// in the order in which `inputs` lists them; equal inputs share a number.
std::string to_sql(const Expression& expression, std::vector<Expression>& inputs);

// How many entries of its stack SQLite's parser needs for what to_sql() makes, at most. It has 100.
int sqlite_parser_stack(const Expression& expression);

// `a AND b`; either may be a literal null, which stands for nothing.
Expression conjunction(Expression left, Expression right);

}  // namespace brigade
