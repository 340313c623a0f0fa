#include <algorithm>
#include <array>

#include "sync_config/parser_parts.h"
#include "sync_config/query_error.h"

// Expressions, by precedence: SQLite's, https://sqlite.org/lang_expr.html
namespace brigade {

namespace {

using Kind = Expression::Kind;

// SQLite's parser has a stack of 100; the rest is for the SELECT around an expression.
constexpr int sqlite_stack_max = 85;
// SQLite takes expressions of depth 1000.
constexpr int chain_max = 400;

// A chain of operators is as deep as it is long, for us as for SQLite.
void limit_chain(const TokenReader& tokens, int length) {
  if (length < chain_max) return;
  throw QueryError(tokens.peek().offset, "the expression has too many operators in a row",
                   "Simplify it; IN (...) compares with many values.");
}

Expression parse_unary(TokenReader& tokens) {
  if (tokens.at("-") || tokens.at("+")) {
    const TokenReader::Nested nested(tokens);
    const Token token = tokens.take();
    return make_unary(parse_unary(tokens), token.text, token.offset);
  }
  Expression result = parse_primary(tokens);
  for (int length = 0; tokens.at("::"); length++) {
    limit_chain(tokens, length);
    const Token cast = tokens.take();
    result = parse_cast_type(tokens, std::move(result), cast.offset);
  }
  return result;
}

// Left-associative levels below equality, loosest first.
Expression parse_binary(TokenReader& tokens, size_t level) {
  static const std::array<std::vector<std::string_view>, 5> levels = {{
      {"<", "<=", ">", ">="},
      {"&", "|", "<<", ">>"},
      {"+", "-"},
      {"*", "/", "%"},
      {"||", "->", "->>"},
  }};
  if (level == levels.size()) return parse_unary(tokens);
  Expression left = parse_binary(tokens, level + 1);
  for (int length = 0;; length++) {
    const Token token = tokens.peek();
    const bool here =
        token.kind == Token::Kind::symbol &&
        std::find(levels[level].begin(), levels[level].end(), token.text) != levels[level].end();
    if (!here) return left;
    limit_chain(tokens, length);
    tokens.take();
    left = make_binary(std::move(left), token.text, parse_binary(tokens, level + 1), token.offset);
  }
}

Expression parse_equality(TokenReader& tokens) {
  Expression left = parse_operand(tokens);
  for (int length = 0;; length++) {
    limit_chain(tokens, length);
    const Token token = tokens.peek();
    if (tokens.at("=") || tokens.at("==")) {
      tokens.take();
      left = make_binary(std::move(left), "=", parse_operand(tokens), token.offset);
    } else if (tokens.at("<>") || tokens.at("!=")) {
      tokens.take();
      left = make_binary(std::move(left), "<>", parse_operand(tokens), token.offset);
    } else if (tokens.at("&&")) {
      tokens.take();
      left = parse_in(tokens, std::move(left), "&&", token.offset);
    } else if (!parse_predicate(tokens, left)) {
      return left;
    }
  }
}

Expression binary_word(TokenReader& tokens, Expression left, const std::string& name,
                       Expression (*right)(TokenReader&)) {
  const SourceOffset offset = tokens.take().offset;
  return make_binary(std::move(left), name, right(tokens), offset);
}

Expression parse_not(TokenReader& tokens) {
  if (!tokens.at_word("not")) return parse_equality(tokens);
  const TokenReader::Nested nested(tokens);
  const SourceOffset offset = tokens.take().offset;
  return make_unary(parse_not(tokens), "NOT", offset);
}

Expression parse_and(TokenReader& tokens) {
  Expression left = parse_not(tokens);
  for (int length = 0; tokens.at_word("and"); length++) {
    limit_chain(tokens, length);
    left = binary_word(tokens, std::move(left), "AND", parse_not);
  }
  return left;
}

}  // namespace

Expression parse_operand(TokenReader& tokens) { return parse_binary(tokens, 0); }

Expression parse_expression(TokenReader& tokens) {
  const TokenReader::Nested nested(tokens);
  const SourceOffset start = tokens.peek().offset;
  Expression left = parse_and(tokens);
  for (int length = 0; tokens.at_word("or"); length++) {
    limit_chain(tokens, length);
    left = binary_word(tokens, std::move(left), "OR", parse_and);
  }
  if (sqlite_parser_stack(left) > sqlite_stack_max) {
    throw QueryError(start, "the expression is nested too deeply", "Simplify it.");
  }
  return left;
}

Expression make_binary(Expression left, const std::string& name, Expression right,
                       SourceOffset offset) {
  Expression result;
  result.kind = Kind::binary;
  result.name = name;
  result.offset = offset;
  result.arguments.push_back(std::move(left));
  result.arguments.push_back(std::move(right));
  return result;
}

Expression make_unary(Expression operand, const std::string& name, SourceOffset offset) {
  Expression result;
  result.kind = Kind::unary;
  result.name = name;
  result.offset = offset;
  result.arguments.push_back(std::move(operand));
  return result;
}

}  // namespace brigade
