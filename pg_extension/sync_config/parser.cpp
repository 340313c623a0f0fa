#include "sync_config/parser.h"

#include <algorithm>
#include <array>
#include <optional>

#include "sync_config/functions.h"
#include "sync_config/lexer.h"
#include "sync_config/query_error.h"

namespace brigade {

namespace {

using Kind = Expression::Kind;

// Words that end a table's name, so that they are not taken for its alias.
constexpr std::array<std::string_view, 20> clause_words = {
    "on",     "where", "join",    "inner",  "left",  "right",    "full",
    "outer",  "cross", "natural", "group",  "order", "limit",    "union",
    "having", "using", "offset",  "except", "from",  "intersect"};

constexpr int nesting_max = 100;
// SQLite's parser has a stack of 100; the rest is for the SELECT around an expression.
constexpr int sqlite_stack_max = 85;
// SQLite takes expressions of depth 1000.
constexpr int chain_max = 400;

template <size_t count>
bool contains(const std::array<std::string_view, count>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class Parser {
 public:
  Parser(std::string_view query, SourceOffset start) : tokens_(tokenize(query, start)) {}

  Select run() {
    Select select = parse_select();
    accept(";");
    reject_clauses();
    if (peek().kind != Token::Kind::end) unexpected("the end of the query");
    return select;
  }

 private:
  // ---- tokens

  const Token& peek(size_t ahead = 0) const {
    return tokens_[std::min(position_ + ahead, tokens_.size() - 1)];
  }
  Token take() { return tokens_[position_ + 1 < tokens_.size() ? position_++ : position_]; }

  bool at(std::string_view symbol, size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::symbol && peek(ahead).text == symbol;
  }
  bool at_word(std::string_view word, size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::identifier && peek(ahead).text == word;
  }
  bool accept(std::string_view symbol) {
    if (!at(symbol)) return false;
    take();
    return true;
  }
  bool accept_word(std::string_view word) {
    if (!at_word(word)) return false;
    take();
    return true;
  }
  void expect(std::string_view symbol) {
    if (!accept(symbol)) unexpected("\"" + std::string(symbol) + "\"");
  }
  void expect_word(std::string_view word) {
    if (!accept_word(word)) unexpected(upper(word));
  }
  static std::string upper(std::string_view word) {
    std::string text(word);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
  }

  [[noreturn]] void unexpected(const std::string& wanted) const {
    const Token& token = peek();
    const std::string found =
        token.kind == Token::Kind::end ? "the query ends" : "found \"" + token.text + "\"";
    throw QueryError(token.offset, "expected " + wanted + ", but " + found, {});
  }

  bool at_name() const {
    return peek().kind == Token::Kind::identifier || peek().kind == Token::Kind::quoted_identifier;
  }
  std::string take_name(const std::string& wanted) {
    if (!at_name()) unexpected(wanted);
    return take().text;
  }

  // ---- SELECT

  Select parse_select() {
    Select select;
    select.offset = peek().offset;
    reject_statements();
    expect_word("select");
    if (at_word("distinct")) {
      throw QueryError(peek().offset, "DISTINCT is not supported",
                       "Leave it out: a client has each row once anyway.");
    }
    // A query for parameters may select none, to ask only whether there is a row.
    if (!at_word("from")) parse_items(select);
    if (accept_word("from")) parse_from(select);
    if (accept_word("where")) select.conditions.push_back(parse_expression());
    reject_clauses();
    return select;
  }

  void reject_statements() const {
    if (at_word("with")) {
      throw QueryError(peek().offset, "WITH cannot be part of a query",
                       "Define it in the stream's `with:` block, and use its name here.");
    }
    for (const std::string_view word : {"insert", "update", "delete"}) {
      if (!at_word(word)) continue;
      throw QueryError(peek().offset, "only SELECT can be synced", "Write a SELECT.");
    }
  }

  void reject_clauses() const {
    struct Clause {
      std::string_view word;
      const char* remedy;
    };
    constexpr std::array<Clause, 8> clauses = {{
        {"group", "Aggregate in a table or on the client; a synced row comes from one row."},
        {"having", "Filter rows with WHERE."},
        {"order", "Sort on the client: synced rows have no order."},
        {"limit", "Filter with WHERE; the number of synced rows cannot be limited."},
        {"offset", "Filter with WHERE."},
        {"union", "Use `queries:` with one query each."},
        {"except", "Filter with WHERE."},
        {"intersect", "Combine the conditions with AND."},
    }};
    for (const Clause& clause : clauses) {
      if (!at_word(clause.word)) continue;
      throw QueryError(peek().offset, upper(clause.word) + " is not supported", clause.remedy);
    }
  }

  void parse_items(Select& select) {
    do select.items.push_back(parse_item());
    while (accept(","));
  }

  SelectItem parse_item() {
    SelectItem item;
    item.offset = peek().offset;
    if (accept("*")) {
      item.star = true;
      return item;
    }
    if (at_name() && at(".", 1) && at("*", 2)) {
      item.star = true;
      item.qualifier = take().text;
      take();
      take();
      return item;
    }
    item.expression = parse_expression();
    if (accept_word("as")) {
      item.alias = take_name("a column name");
    } else if (at_name() && !at_word("from") && !at_word("where") && !is_clause_word()) {
      item.alias = take().text;
    }
    return item;
  }

  bool is_clause_word() const {
    return peek().kind == Token::Kind::identifier && contains(clause_words, peek().text);
  }

  void parse_from(Select& select) {
    select.from.push_back(parse_from_item());
    for (;;) {
      if (accept(",")) {
        select.from.push_back(parse_from_item());
      } else if (at_join()) {
        parse_join(select);
      } else {
        return;
      }
    }
  }

  bool at_join() const {
    for (const std::string_view word : {"left", "right", "full", "cross", "natural"}) {
      if (!at_word(word)) continue;
      throw QueryError(
          peek().offset, upper(word) + " JOIN is not supported",
          "Use INNER JOIN with ON; rows without a partner cannot be synced by a join.");
    }
    return at_word("join") || at_word("inner");
  }

  void parse_join(Select& select) {
    accept_word("inner");
    expect_word("join");
    select.from.push_back(parse_from_item());
    if (at_word("using")) {
      throw QueryError(peek().offset, "USING is not supported",
                       "Write ON with an equality of the two columns.");
    }
    if (accept_word("on")) select.conditions.push_back(parse_expression());
  }

  FromItem parse_from_item() {
    FromItem item;
    item.offset = peek().offset;
    if (accept("(")) {
      item.kind = FromItem::Kind::query;
      item.query = std::make_shared<Select>(parse_select());
      expect(")");
    } else {
      parse_table(item);
    }
    if (accept_word("as")) {
      item.alias = take_name("an alias");
    } else if (at_name() && !is_clause_word()) {
      item.alias = take().text;
    }
    if (item.query && at("(")) parse_column_names(*item.query);
    return item;
  }

  // (SELECT id, owner FROM lists) AS l (a, b)
  void parse_column_names(Select& select) {
    const SourceOffset start = take().offset;
    size_t count = 0;
    do {
      const std::string name = take_name("a column name");
      if (count < select.items.size()) select.items[count].alias = name;
      count++;
    } while (accept(","));
    expect(")");
    const bool star = std::any_of(select.items.begin(), select.items.end(),
                                  [](const SelectItem& item) { return item.star; });
    if (!star && count == select.items.size()) return;
    throw QueryError(start, "the names must be as many as the subquery selects columns",
                     "Select each column by name, and give each a name here.");
  }

  void parse_table(FromItem& item) {
    item.name = take_name("a table name");
    if (accept(".")) {
      item.schema = item.name;
      item.name = take_name("a table name");
    } else if (accept("(")) {
      if (item.name != "json_each") {
        throw QueryError(item.offset, "unknown table-valued function " + item.name + "()",
                         "json_each() is the only one.");
      }
      item.kind = FromItem::Kind::function;
      item.argument = parse_expression();
      expect(")");
    }
  }

  // ---- expressions, by precedence (SQLite's, https://sqlite.org/lang_expr.html)

  Expression parse_expression() {
    if (++nesting_ > nesting_max) {
      throw QueryError(peek().offset, "the expression is nested too deeply", "Simplify it.");
    }
    const SourceOffset start = peek().offset;
    Expression left = parse_and();
    for (int length = 0; at_word("or"); length++) {
      limit_chain(length);
      left = binary_word(std::move(left), "OR", &Parser::parse_and);
    }
    nesting_--;
    if (sqlite_parser_stack(left) > sqlite_stack_max) {
      throw QueryError(start, "the expression is nested too deeply", "Simplify it.");
    }
    return left;
  }

  Expression parse_and() {
    Expression left = parse_not();
    for (int length = 0; at_word("and"); length++) {
      limit_chain(length);
      left = binary_word(std::move(left), "AND", &Parser::parse_not);
    }
    return left;
  }

  // A chain of operators is as deep as it is long, for us as for SQLite.
  void limit_chain(int length) {
    if (length < chain_max) return;
    throw QueryError(peek().offset, "the expression has too many operators in a row",
                     "Simplify it; IN (...) compares with many values.");
  }

  Expression binary_word(Expression left, const std::string& name, Expression (Parser::*right)()) {
    const Token token = take();
    return make_binary(std::move(left), name, (this->*right)(), token.offset);
  }

  static Expression make_binary(Expression left, const std::string& name, Expression right,
                                SourceOffset offset) {
    Expression result;
    result.kind = Kind::binary;
    result.name = name;
    result.offset = offset;
    result.arguments.push_back(std::move(left));
    result.arguments.push_back(std::move(right));
    return result;
  }

  static Expression make_unary(Expression operand, const std::string& name, SourceOffset offset) {
    Expression result;
    result.kind = Kind::unary;
    result.name = name;
    result.offset = offset;
    result.arguments.push_back(std::move(operand));
    return result;
  }

  Expression parse_not() {
    if (!at_word("not")) return parse_equality();
    const Token token = take();
    if (++nesting_ > nesting_max) {
      throw QueryError(token.offset, "the expression is nested too deeply", "Simplify it.");
    }
    Expression operand = parse_not();
    nesting_--;
    return make_unary(std::move(operand), "NOT", token.offset);
  }

  Expression parse_equality() {
    Expression left = parse_binary(0);
    for (int length = 0;; length++) {
      limit_chain(length);
      const Token token = peek();
      if (at("=") || at("==")) {
        take();
        left = make_binary(std::move(left), "=", parse_binary(0), token.offset);
      } else if (at("<>") || at("!=")) {
        take();
        left = make_binary(std::move(left), "<>", parse_binary(0), token.offset);
      } else if (at("&&")) {
        take();
        left = parse_in(std::move(left), "&&", token.offset);
      } else if (!parse_predicate(left)) {
        return left;
      }
    }
  }

  // IS, IN, BETWEEN and their negations.
  bool parse_predicate(Expression& left) {
    const SourceOffset offset = peek().offset;
    if (accept_word("is")) {
      left = parse_is(std::move(left), offset);
      return true;
    }
    const bool negated = at_word("not") && (at_word("in", 1) || at_word("between", 1));
    if (negated) take();
    if (accept_word("in")) {
      left = parse_in(std::move(left), negated ? "NOT IN" : "IN", offset);
      return true;
    }
    if (accept_word("between")) {
      left = parse_between(std::move(left), negated, offset);
      return true;
    }
    reject_pattern_match();
    return false;
  }

  void reject_pattern_match() const {
    for (const std::string_view word : {"like", "ilike", "glob", "regexp", "match", "similar"}) {
      if (!at_word(word) && !(at_word("not") && at_word(word, 1))) continue;
      throw QueryError(peek().offset, upper(word) + " is not supported",
                       "Compare with =, or use instr(), substring() or upper().");
    }
  }

  Expression parse_is(Expression left, SourceOffset offset) {
    const bool negated = accept_word("not");
    if (accept_word("null")) {
      return make_unary(std::move(left), negated ? "IS NOT NULL" : "IS NULL", offset);
    }
    return make_binary(std::move(left), negated ? "IS NOT" : "IS", parse_binary(0), offset);
  }

  Expression parse_between(Expression left, bool negated, SourceOffset offset) {
    Expression result;
    result.kind = Kind::between;
    result.name = negated ? "NOT BETWEEN" : "BETWEEN";
    result.offset = offset;
    result.arguments.push_back(std::move(left));
    result.arguments.push_back(parse_binary(0));
    expect_word("and");
    result.arguments.push_back(parse_binary(0));
    return result;
  }

  Expression parse_in(Expression left, const std::string& name, SourceOffset offset) {
    Expression result;
    result.name = name;
    result.offset = offset;
    result.arguments.push_back(std::move(left));
    if (at("(") && at_word("select", 1)) {
      take();
      result.kind = Kind::query_in;
      result.query = std::make_shared<Select>(parse_select());
      expect(")");
    } else if (name != "&&" && at("(")) {
      take();
      parse_elements(result, ")");
    } else if ((at_word("array") && at("[", 1)) || (at_word("row") && at("(", 1))) {
      const std::string_view end = take().text == "array" ? "]" : ")";
      take();
      parse_elements(result, end);
    } else if (at_name() && !at("(", 1) && !at(".", 1)) {
      result.kind = Kind::name_in;
      result.key = take().text;
    } else {
      parse_array(result);
    }
    return result;
  }

  void parse_elements(Expression& result, std::string_view end) {
    result.kind = Kind::list_in;
    do result.arguments.push_back(parse_expression());
    while (accept(","));
    expect(end);
  }

  // A JSON array: a text literal is taken apart here, anything else at run time.
  void parse_array(Expression& result) {
    if (peek().kind != Token::Kind::string || at("||", 1)) {
      result.kind = result.name == "&&" ? Kind::overlap : Kind::array_in;
      result.arguments.push_back(parse_binary(0));
      if (result.kind == Kind::overlap) result.name.clear();
      return;
    }
    const Token token = take();
    const auto array = nlohmann::json::parse(token.text, nullptr, false);
    if (!array.is_array()) {
      throw QueryError(token.offset, "the text after IN is not a JSON array",
                       "Write, for example, IN '[\"a\", \"b\"]'.");
    }
    result.kind = Kind::list_in;
    for (const auto& element : array) result.arguments.push_back(literal(element, token.offset));
  }

  static Expression literal(nlohmann::json value, SourceOffset offset) {
    Expression result;
    if (value.is_boolean()) value = value.get<bool>() ? 1 : 0;
    result.value = std::move(value);
    result.offset = offset;
    return result;
  }

  // Left-associative levels below equality, loosest first.
  Expression parse_binary(size_t level) {
    static const std::array<std::vector<std::string_view>, 5> levels = {{
        {"<", "<=", ">", ">="},
        {"&", "|", "<<", ">>"},
        {"+", "-"},
        {"*", "/", "%"},
        {"||", "->", "->>"},
    }};
    if (level == levels.size()) return parse_unary();
    Expression left = parse_binary(level + 1);
    for (int length = 0;; length++) {
      const Token token = peek();
      const bool here =
          token.kind == Token::Kind::symbol &&
          std::find(levels[level].begin(), levels[level].end(), token.text) != levels[level].end();
      if (!here) return left;
      limit_chain(length);
      take();
      left = make_binary(std::move(left), token.text, parse_binary(level + 1), token.offset);
    }
  }

  Expression parse_unary() {
    const Token token = peek();
    if (at("-") || at("+")) {
      if (++nesting_ > nesting_max) {
        throw QueryError(token.offset, "the expression is nested too deeply", "Simplify it.");
      }
      take();
      Expression operand = parse_unary();
      nesting_--;
      return make_unary(std::move(operand), token.text, token.offset);
    }
    Expression result = parse_primary();
    for (int length = 0; at("::"); length++) {
      limit_chain(length);
      const Token cast = take();
      result = make_cast(std::move(result), cast.offset);
    }
    return result;
  }

  Expression make_cast(Expression operand, SourceOffset offset) {
    const Token type = peek();
    const std::string name = take_name("a type");
    constexpr std::array<std::string_view, 5> types = {"text", "numeric", "integer", "real",
                                                       "blob"};
    if (!contains(types, name)) {
      throw QueryError(type.offset, "cannot cast to " + name,
                       "Cast to text, numeric, integer, real or blob.");
    }
    Expression result = make_unary(std::move(operand), name, offset);
    result.kind = Kind::cast;
    return result;
  }

  Expression parse_primary() {
    const Token token = peek();
    switch (token.kind) {
      case Token::Kind::string:
        take();
        return literal(token.text, token.offset);
      case Token::Kind::integer:
      case Token::Kind::decimal:
        return parse_number();
      case Token::Kind::symbol:
        if (accept("(")) {
          if (at_word("select")) {
            throw QueryError(peek().offset, "a subquery cannot be a value",
                             "Use it with IN (SELECT ...), or join its table.");
          }
          Expression inner = parse_expression();
          expect(")");
          return inner;
        }
        unexpected("an expression");
      case Token::Kind::end:
        unexpected("an expression");
      default:
        return parse_word();
    }
  }

  Expression parse_number() {
    const Token token = take();
    if (token.kind == Token::Kind::decimal) return literal(std::stod(token.text), token.offset);
    try {
      return literal(static_cast<int64_t>(std::stoll(token.text)), token.offset);
    } catch (const std::out_of_range&) {
      throw QueryError(token.offset, "the number does not fit in 64 bits",
                       "Write it as a decimal, or as text.");
    }
  }

  Expression parse_word() {
    const SourceOffset offset = peek().offset;
    if (peek().kind == Token::Kind::identifier) {
      if (accept_word("null")) return literal(nullptr, offset);
      if (accept_word("true")) return literal(1, offset);
      if (accept_word("false")) return literal(0, offset);
      if (at_word("case")) return parse_case();
      if (at_word("cast") && at("(", 1)) return parse_cast();
      if (at_word("exists")) {
        throw QueryError(offset, "EXISTS is not supported", "Use IN (SELECT ...).");
      }
    }
    Expression result;
    result.offset = offset;
    result.name = take().text;
    if (accept(".")) {
      result.qualifier = std::move(result.name);
      result.name = take_name("a column or function name");
    }
    if (accept("(")) return parse_call(std::move(result));
    if (accept(".")) {
      throw QueryError(offset, "a column is named by its table only",
                       "Give the table an alias in FROM, and use that.");
    }
    result.kind = Kind::column;
    return resolve_request_column(std::move(result));
  }

  Expression parse_call(Expression call) {
    call.kind = Kind::call;
    if (!accept(")")) {
      do call.arguments.push_back(parse_expression());
      while (accept(","));
      expect(")");
    }
    return check_call(std::move(call));
  }

  Expression parse_cast() {
    const SourceOffset offset = take().offset;
    take();
    Expression operand = parse_expression();
    expect_word("as");
    Expression result = make_cast(std::move(operand), offset);
    expect(")");
    return result;
  }

  Expression parse_case() {
    Expression result;
    result.offset = take().offset;
    result.kind = at_word("when") ? Kind::search_case : Kind::simple_case;
    if (result.kind == Kind::simple_case) result.arguments.push_back(parse_expression());
    if (!at_word("when")) unexpected("WHEN");
    while (accept_word("when")) {
      result.arguments.push_back(parse_expression());
      expect_word("then");
      result.arguments.push_back(parse_expression());
    }
    if (accept_word("else")) result.arguments.push_back(parse_expression());
    expect_word("end");
    return result;
  }

  std::vector<Token> tokens_;
  size_t position_ = 0;
  int nesting_ = 0;
};

}  // namespace

Select parse_query(std::string_view query, SourceOffset start) {
  return Parser(query, start).run();
}

}  // namespace brigade
