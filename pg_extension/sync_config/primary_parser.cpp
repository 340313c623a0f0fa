#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "sync_config/functions.h"
#include "sync_config/parser_parts.h"
#include "sync_config/query_error.h"

namespace brigade {

namespace {

using Kind = Expression::Kind;

Expression parse_decimal(const Token& token) {
  const double value = std::strtod(token.text.c_str(), nullptr);
  if (std::isfinite(value)) return make_literal(value, token.offset);
  throw QueryError(token.offset, "the number is too large", "Write it as text.");
}

Expression parse_number(TokenReader& tokens) {
  const Token token = tokens.take();
  if (token.kind == Token::Kind::decimal) return parse_decimal(token);
  try {
    return make_literal(static_cast<int64_t>(std::stoll(token.text)), token.offset);
  } catch (const std::out_of_range&) {
    throw QueryError(token.offset, "the number does not fit in 64 bits",
                     "Write it as a decimal, or as text.");
  }
}

Expression parse_call(TokenReader& tokens, Expression call) {
  call.kind = Kind::call;
  if (tokens.at("*")) return check_call(std::move(call));  // count(*): it says what is wrong
  if (!tokens.accept(")")) {
    do call.arguments.push_back(parse_expression(tokens));
    while (tokens.accept(","));
    tokens.expect(")");
  }
  return check_call(std::move(call));
}

Expression parse_cast(TokenReader& tokens) {
  const SourceOffset offset = tokens.take().offset;
  tokens.take();
  Expression operand = parse_expression(tokens);
  tokens.expect_word("as");
  Expression result = parse_cast_type(tokens, std::move(operand), offset);
  tokens.expect(")");
  return result;
}

Expression parse_case(TokenReader& tokens) {
  Expression result;
  result.offset = tokens.take().offset;
  result.kind = tokens.at_word("when") ? Kind::search_case : Kind::simple_case;
  if (result.kind == Kind::simple_case) result.arguments.push_back(parse_expression(tokens));
  if (!tokens.at_word("when")) tokens.unexpected("WHEN");
  while (tokens.accept_word("when")) {
    result.arguments.push_back(parse_expression(tokens));
    tokens.expect_word("then");
    result.arguments.push_back(parse_expression(tokens));
  }
  if (tokens.accept_word("else")) result.arguments.push_back(parse_expression(tokens));
  tokens.expect_word("end");
  return result;
}

// Words that are values in SQL without being columns or functions.
void reject_session_values(const Token& token) {
  for (const std::string_view word :
       {"current_timestamp", "current_date", "current_time", "localtime", "localtimestamp"}) {
    if (token.text != word) continue;
    throw QueryError(token.offset, upper(word) + " is not supported",
                     "Filter by time on the client, or sync a column that a job keeps up to date.");
  }
  for (const std::string_view word : {"current_user", "session_user"}) {
    if (token.text != word) continue;
    throw QueryError(token.offset, upper(word) + " is not supported",
                     "Write auth.user_id() for the client's user.");
  }
}

// Where an operand is missing, the word after it is not its name.
bool at_reserved_word(const TokenReader& tokens) {
  constexpr std::array<std::string_view, 9> words = {"and", "as",     "else", "from", "in",
                                                     "or",  "select", "then", "where"};
  const Token& token = tokens.peek();
  return token.kind == Token::Kind::identifier && !tokens.at(".", 1) &&
         std::find(words.begin(), words.end(), token.text) != words.end();
}

Expression parse_word(TokenReader& tokens) {
  const SourceOffset offset = tokens.peek().offset;
  if (at_reserved_word(tokens)) tokens.unexpected("an expression");
  if (tokens.peek().kind == Token::Kind::identifier) {
    if (tokens.accept_word("null")) return make_literal(nullptr, offset);
    if (tokens.accept_word("true")) return make_literal(1, offset);
    if (tokens.accept_word("false")) return make_literal(0, offset);
    if (tokens.at_word("case")) return parse_case(tokens);
    if (tokens.at_word("cast") && tokens.at("(", 1)) return parse_cast(tokens);
    if (tokens.at_word("exists")) {
      throw QueryError(offset, "EXISTS is not supported", "Use IN (SELECT ...).");
    }
    if (!tokens.at(".", 1)) reject_session_values(tokens.peek());
  }
  Expression result;
  result.offset = offset;
  result.name = tokens.take().text;
  if (tokens.accept(".")) {
    result.qualifier = std::move(result.name);
    result.name = tokens.take_name("a column or function name");
  }
  if (tokens.accept("(")) return parse_call(tokens, std::move(result));
  if (tokens.accept(".")) {
    throw QueryError(offset, "a column is named by its table only",
                     "Give the table an alias in FROM, and use that.");
  }
  result.kind = Kind::column;
  return resolve_request_column(std::move(result));
}

}  // namespace

namespace {

Expression parse_parenthesis(TokenReader& tokens) {
  Expression inner = parse_expression(tokens);
  if (tokens.at(",")) {
    throw QueryError(tokens.peek().offset, "several values cannot be compared at once",
                     "Compare each by itself, and combine the comparisons with AND.");
  }
  tokens.expect(")");
  return inner;
}

}  // namespace

Expression parse_primary(TokenReader& tokens) {
  const Token token = tokens.peek();
  switch (token.kind) {
    case Token::Kind::string:
      tokens.take();
      return make_literal(token.text, token.offset);
    case Token::Kind::integer:
    case Token::Kind::decimal:
      return parse_number(tokens);
    case Token::Kind::symbol:
      if (tokens.accept("(")) {
        if (tokens.at_word("select")) {
          throw QueryError(tokens.peek().offset, "a subquery cannot be a value",
                           "Use it with IN (SELECT ...), or join its table.");
        }
        return parse_parenthesis(tokens);
      }
      tokens.unexpected("an expression");
    case Token::Kind::end:
      tokens.unexpected("an expression");
    default:
      return parse_word(tokens);
  }
}

Expression parse_cast_type(TokenReader& tokens, Expression operand, SourceOffset offset) {
  const Token type = tokens.peek();
  const std::string name = tokens.take_name("a type");
  constexpr std::array<std::string_view, 5> types = {"text", "numeric", "integer", "real", "blob"};
  if (std::find(types.begin(), types.end(), name) == types.end()) {
    throw QueryError(type.offset, "cannot cast to " + name,
                     "Cast to text, numeric, integer, real or blob.");
  }
  Expression result = make_unary(std::move(operand), name, offset);
  result.kind = Kind::cast;
  return result;
}

Expression make_literal(nlohmann::json value, SourceOffset offset) {
  Expression result;
  if (value.is_boolean()) value = value.get<bool>() ? 1 : 0;
  result.value = std::move(value);
  result.offset = offset;
  return result;
}

}  // namespace brigade
