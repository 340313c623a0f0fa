#include "sync_config/parser_parts.h"
#include "sync_config/query_error.h"

namespace brigade {

namespace {

using Kind = Expression::Kind;

// What other databases know beside IS, IN and BETWEEN, and what to write for it.
void reject_foreign_predicates(const TokenReader& tokens) {
  tokens.reject({
      {"isnull", "Write IS NULL."},
      {"notnull", "Write IS NOT NULL."},
      {"collate", "Leave it out: text is compared byte by byte."},
      {"xor", "Write (a AND NOT b) OR (b AND NOT a)."},
      {"over", "Number rows on the client; a synced row comes from one row."},
      {"~", "Compare with =, or use instr(), substring() or upper()."},
      {"[", "Write data ->> 'key' or data ->> 0; ARRAY[...] stands after IN only."},
  });
}

void reject_pattern_match(const TokenReader& tokens) {
  for (const std::string_view word : {"like", "ilike", "glob", "regexp", "match", "similar"}) {
    if (!tokens.at_word(word) && !(tokens.at_word("not") && tokens.at_word(word, 1))) continue;
    throw QueryError(tokens.peek().offset, upper(word) + " is not supported",
                     "Compare with =, or use instr(), substring() or upper().");
  }
}

Expression parse_is(TokenReader& tokens, Expression left, SourceOffset offset) {
  const bool negated = tokens.accept_word("not");
  if (tokens.accept_word("null")) {
    return make_unary(std::move(left), negated ? "IS NOT NULL" : "IS NULL", offset);
  }
  if (tokens.at_word("distinct")) {
    throw QueryError(offset, "IS DISTINCT FROM is not supported",
                     negated ? "Write IS." : "Write IS NOT.");
  }
  return make_binary(std::move(left), negated ? "IS NOT" : "IS", parse_operand(tokens), offset);
}

Expression parse_between(TokenReader& tokens, Expression left, bool negated, SourceOffset offset) {
  Expression result;
  result.kind = Kind::between;
  result.name = negated ? "NOT BETWEEN" : "BETWEEN";
  result.offset = offset;
  result.arguments.push_back(std::move(left));
  result.arguments.push_back(parse_operand(tokens));
  tokens.expect_word("and");
  result.arguments.push_back(parse_operand(tokens));
  return result;
}

void parse_elements(TokenReader& tokens, Expression& result, std::string_view end) {
  result.kind = Kind::list_in;
  do result.arguments.push_back(parse_expression(tokens));
  while (tokens.accept(","));
  tokens.expect(end);
}

// A JSON array: a text literal is taken apart here, anything else at run time.
void parse_array(TokenReader& tokens, Expression& result) {
  if (tokens.peek().kind != Token::Kind::string || tokens.at("||", 1)) {
    result.kind = result.name == "&&" ? Kind::overlap : Kind::array_in;
    result.arguments.push_back(parse_operand(tokens));
    if (result.kind == Kind::overlap) result.name.clear();
    return;
  }
  const Token token = tokens.take();
  const auto array = nlohmann::json::parse(token.text, nullptr, false);
  if (!array.is_array()) {
    throw QueryError(token.offset, "the text after IN is not a JSON array",
                     "Write, for example, IN '[\"a\", \"b\"]'.");
  }
  result.kind = Kind::list_in;
  for (const auto& element : array) result.arguments.push_back(make_literal(element, token.offset));
}

}  // namespace

Expression parse_in(TokenReader& tokens, Expression left, const std::string& name,
                    SourceOffset offset) {
  Expression result;
  result.name = name;
  result.offset = offset;
  result.arguments.push_back(std::move(left));
  if (tokens.at("(") && tokens.at_word("select", 1)) {
    tokens.take();
    result.kind = Kind::query_in;
    result.query = std::make_shared<Select>(parse_select(tokens));
    tokens.expect(")");
  } else if (name != "&&" && tokens.at("(")) {
    tokens.take();
    parse_elements(tokens, result, ")");
  } else if ((tokens.at_word("array") && tokens.at("[", 1)) ||
             (tokens.at_word("row") && tokens.at("(", 1))) {
    const std::string_view end = tokens.take().text == "array" ? "]" : ")";
    tokens.take();
    parse_elements(tokens, result, end);
  } else if (tokens.at_name() && !tokens.at("(", 1) && !tokens.at(".", 1)) {
    result.kind = Kind::name_in;
    result.key = tokens.take().text;
  } else {
    parse_array(tokens, result);
  }
  return result;
}

bool parse_predicate(TokenReader& tokens, Expression& left) {
  const SourceOffset offset = tokens.peek().offset;
  if (tokens.accept_word("is")) {
    left = parse_is(tokens, std::move(left), offset);
    return true;
  }
  const bool negated =
      tokens.at_word("not") && (tokens.at_word("in", 1) || tokens.at_word("between", 1));
  if (negated) tokens.take();
  if (tokens.accept_word("in")) {
    left = parse_in(tokens, std::move(left), negated ? "NOT IN" : "IN", offset);
    return true;
  }
  if (tokens.accept_word("between")) {
    left = parse_between(tokens, std::move(left), negated, offset);
    return true;
  }
  reject_pattern_match(tokens);
  reject_foreign_predicates(tokens);
  return false;
}

}  // namespace brigade
