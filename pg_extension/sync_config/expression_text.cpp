#include "sync_config/expression_text.h"

#include <algorithm>

namespace brigade {

namespace {

using Kind = Expression::Kind;

std::string request_text(const Expression& request) {
  if (request.name == "user_id") return "auth.user_id()";
  if (request.key.empty()) return request.name + ".parameters()";
  return request.name + ".parameter('" + request.key + "')";
}

std::string input_text(const Expression& input) {
  if (input.kind == Kind::request) return request_text(input);
  if (input.kind == Kind::column) return input.name;
  if (input.name == "element") return "an element of " + readable(input.arguments.at(0));
  return input.name + "()";
}

// Whether the first parenthesis is closed by the last character.
bool is_enclosed(std::string_view text) {
  if (!text.starts_with('(') || !text.ends_with(')')) return false;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '\'') quoted = !quoted;
    if (quoted) continue;
    depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    if (depth == 0) return i + 1 == text.size();
  }
  return false;
}

}  // namespace

std::string readable(const Expression& expression) {
  std::vector<Expression> inputs;
  std::string sql = to_sql(expression, inputs);
  if (is_enclosed(sql)) sql = sql.substr(1, sql.size() - 2);
  std::string text;
  bool quoted = false;
  for (size_t i = 0; i < sql.size(); i++) {
    if (sql[i] == '\'') quoted = !quoted;
    if (sql[i] != '?' || quoted) {
      text += sql[i];
      continue;
    }
    size_t number = 0;
    while (i + 1 < sql.size() && sql[i + 1] >= '0' && sql[i + 1] <= '9') {
      number = 10 * number + static_cast<size_t>(sql[++i] - '0');
    }
    text += input_text(inputs.at(number - 1));
  }
  return text;
}

std::string readable_values(const std::vector<Expression>& expressions,
                            const std::vector<std::string_view>& values) {
  std::string text;
  for (size_t i = 0; i < std::min(expressions.size(), values.size()); i++) {
    text += (i == 0 ? "" : " AND ") + readable(expressions[i]) + " = ";
    text += values[i];
  }
  return text;
}

std::string readable_conditions(const std::vector<Expression>& conditions) {
  std::string text;
  for (const Expression& condition : conditions) {
    const bool loose = condition.kind == Kind::binary && condition.name == "OR";
    if (!text.empty()) text += " AND ";
    text += loose ? "(" + readable(condition) + ")" : readable(condition);
  }
  return text;
}

}  // namespace brigade
