#include "sync_config/expression.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

#include "sync_config/json_text.h"

namespace brigade {

namespace {

using nlohmann::json;
using Kind = Expression::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 16> kind_names = {{
    {Kind::literal, "literal"},
    {Kind::column, "column"},
    {Kind::request, "request"},
    {Kind::metadata, "metadata"},
    {Kind::call, "call"},
    {Kind::unary, "unary"},
    {Kind::binary, "binary"},
    {Kind::between, "between"},
    {Kind::list_in, "list_in"},
    {Kind::array_in, "array_in"},
    {Kind::query_in, "query_in"},
    {Kind::name_in, "name_in"},
    {Kind::overlap, "overlap"},
    {Kind::simple_case, "simple_case"},
    {Kind::search_case, "search_case"},
    {Kind::cast, "cast"},
}};

std::string_view name_of(Kind kind) {
  for (const auto& [value, name] : kind_names) {
    if (value == kind) return name;
  }
  throw std::logic_error("expression kind without a name");
}

Kind kind_of(const std::string& text) {
  for (const auto& [value, name] : kind_names) {
    if (name == text && value != Kind::query_in && value != Kind::name_in) return value;
  }
  throw std::runtime_error("plan: unknown expression \"" + text + "\"");
}

}  // namespace

json to_json(const Expression& expression) {
  json result = {{"kind", name_of(expression.kind)}};
  if (expression.kind == Kind::literal) result["value"] = expression.value;
  if (!expression.name.empty()) result["name"] = expression.name;
  if (!expression.key.empty()) result["key"] = expression.key;
  if (!expression.arguments.empty()) {
    for (const Expression& argument : expression.arguments) {
      result["arguments"].push_back(to_json(argument));
    }
  }
  return result;
}

Expression expression_from_json(const json& source) {
  Expression expression;
  expression.kind = kind_of(source.at("kind").get<std::string>());
  expression.value = source.value("value", json(nullptr));
  if (expression.value.is_structured()) throw std::runtime_error("plan: literal is not a scalar");
  expression.name = source.value("name", "");
  expression.key = source.value("key", "");
  for (const json& argument : source.value("arguments", json::array())) {
    expression.arguments.push_back(expression_from_json(argument));
  }
  return expression;
}

namespace {

bool continues(const Expression& left, const Expression& expression) {
  return left.kind == Kind::binary && left.name == expression.name;
}

// What SQLite's parser has on its stack while it reads an argument of an expression, as to_sql()
// writes it.
int stack_around_arguments(Kind kind) {
  switch (kind) {
    case Kind::array_in:
      return 16;
    case Kind::overlap:
      return 32;
    case Kind::unary:
    case Kind::cast:
      return 3;
    default:
      return 6;
  }
}

// Writes SQL. Everything is parenthesised, so that no precedence has to be known; but for the left
// side of the same operator, since all associate to the left: chains may be long.
class SqlWriter {
 public:
  explicit SqlWriter(std::vector<Expression>& inputs) : inputs_(inputs) {}

  std::string write(const Expression& expression) {
    const auto& arguments = expression.arguments;
    switch (expression.kind) {
      case Kind::literal:
        return literal(expression.value);
      case Kind::column:
      case Kind::request:
      case Kind::metadata:
        return input(expression);
      case Kind::call:
        return expression.name + "(" + list(arguments, 0) + ")";
      case Kind::unary:
        return unary(expression);
      case Kind::binary:
        return binary(expression);
      case Kind::between:
        return "(" + write(arguments.at(0)) + " " + expression.name + " " + write(arguments.at(1)) +
               " AND " + write(arguments.at(2)) + ")";
      case Kind::list_in:
        return "(" + write(arguments.at(0)) + " " + expression.name + " (" + list(arguments, 1) +
               "))";
      case Kind::array_in:
        return "(" + write(arguments.at(0)) + " " + expression.name +
               " (SELECT value FROM json_each(" + write(arguments.at(1)) + ")))";
      case Kind::overlap:
        return "EXISTS (SELECT 1 FROM json_each(" + write(arguments.at(0)) +
               ") WHERE value IN (SELECT value FROM json_each(" + write(arguments.at(1)) + ")))";
      case Kind::simple_case:
        return "CASE " + write(arguments.at(0)) + branches(arguments, 1);
      case Kind::search_case:
        return "CASE" + branches(arguments, 0);
      case Kind::cast:
        return "CAST(" + write(arguments.at(0)) + " AS " + expression.name + ")";
      default:
        throw std::logic_error("expression with a query has no SQL");
    }
  }

 private:
  std::string unary(const Expression& expression) {
    const std::string operand = write(expression.arguments.at(0));
    if (expression.name.starts_with("IS")) return "(" + operand + " " + expression.name + ")";
    return "(" + expression.name + " " + operand + ")";
  }

  std::string binary(const Expression& expression) { return "(" + chain(expression) + ")"; }

  std::string chain(const Expression& expression) {
    const Expression& left = expression.arguments.at(0);
    return (continues(left, expression) ? chain(left) : write(left)) + " " + expression.name + " " +
           write(expression.arguments.at(1));
  }

  std::string list(const std::vector<Expression>& arguments, size_t from) {
    std::string text;
    for (size_t i = from; i < arguments.size(); i++) {
      if (i > from) text += ", ";
      text += write(arguments[i]);
    }
    return text;
  }

  std::string branches(const std::vector<Expression>& arguments, size_t from) {
    std::string text;
    size_t i = from;
    for (; i + 1 < arguments.size(); i += 2) {
      text += " WHEN " + write(arguments[i]) + " THEN " + write(arguments[i + 1]);
    }
    if (i < arguments.size()) text += " ELSE " + write(arguments[i]);
    return text + " END";
  }

  static std::string literal(const json& value) {
    if (value.is_null()) return "NULL";
    if (value.is_number_float()) {
      std::string text;
      append_json_real(text, value.get<double>());
      return text;
    }
    if (!value.is_string()) return value.dump();
    std::string text = "'";
    for (const char c : value.get<std::string>()) {
      text += c;
      if (c == '\'') text += c;
    }
    return text + "'";
  }

  std::string input(const Expression& expression) {
    const json wanted = to_json(expression);
    for (size_t i = 0; i < inputs_.size(); i++) {
      if (to_json(inputs_[i]) == wanted) return "?" + std::to_string(i + 1);
    }
    inputs_.push_back(expression);
    return "?" + std::to_string(inputs_.size());
  }

  std::vector<Expression>& inputs_;
};

}  // namespace

std::string to_sql(const Expression& expression, std::vector<Expression>& inputs) {
  return SqlWriter(inputs).write(expression);
}

namespace {

bool is_nothing(const Expression& expression) {
  return expression.kind == Kind::literal && expression.value.is_null();
}

}  // namespace

int sqlite_parser_stack(const Expression& expression) {
  int most = 0;
  for (size_t i = 0; i < expression.arguments.size(); i++) {
    const Expression& argument = expression.arguments[i];
    int around = stack_around_arguments(expression.kind);
    if (expression.kind == Kind::binary) {
      around = i == 1 ? 3 : (continues(argument, expression) ? 0 : 1);
    }
    most = std::max(most, around + sqlite_parser_stack(argument));
  }
  return most + (expression.arguments.empty() ? 1 : 0);
}

Expression conjunction(Expression left, Expression right) {
  if (is_nothing(left)) return right;
  if (is_nothing(right)) return left;
  Expression both;
  both.kind = Kind::binary;
  both.name = "AND";
  both.offset = left.offset;
  both.arguments = {std::move(left), std::move(right)};
  return both;
}

}  // namespace brigade
