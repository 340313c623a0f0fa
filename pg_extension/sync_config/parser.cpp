#include "sync_config/parser.h"

#include <algorithm>
#include <array>

#include "sync_config/parser_parts.h"
#include "sync_config/query_error.h"

namespace brigade {

namespace {

// Words that end a table's name, so that they are not taken for its alias.
constexpr std::array<std::string_view, 20> clause_words = {
    "on",     "where", "join",    "inner",  "left",  "right",    "full",
    "outer",  "cross", "natural", "group",  "order", "limit",    "union",
    "having", "using", "offset",  "except", "from",  "intersect"};

void reject_statements(const TokenReader& tokens) {
  if (tokens.at_word("with")) {
    throw QueryError(tokens.peek().offset, "WITH cannot be part of a query",
                     "Define it in the stream's `with:` block, and use its name here.");
  }
  for (const std::string_view word : {"insert", "update", "delete"}) {
    if (!tokens.at_word(word)) continue;
    throw QueryError(tokens.peek().offset, "only SELECT can be synced", "Write a SELECT.");
  }
}

void reject_clauses(const TokenReader& tokens) {
  tokens.reject({
      {"group", "Aggregate in a table or on the client; a synced row comes from one row."},
      {"having", "Filter rows with WHERE."},
      {"order", "Sort on the client: synced rows have no order."},
      {"limit", "Filter with WHERE; the number of synced rows cannot be limited."},
      {"offset", "Filter with WHERE."},
      {"union", "Use `queries:` with one query each."},
      {"except", "Filter with WHERE."},
      {"intersect", "Combine the conditions with AND."},
  });
}

bool is_clause_word(const TokenReader& tokens) {
  return tokens.peek().kind == Token::Kind::identifier &&
         std::find(clause_words.begin(), clause_words.end(), tokens.peek().text) !=
             clause_words.end();
}

SelectItem parse_item(TokenReader& tokens) {
  SelectItem item;
  item.offset = tokens.peek().offset;
  if (tokens.accept("*")) {
    item.star = true;
    return item;
  }
  if (tokens.at_name() && tokens.at(".", 1) && tokens.at("*", 2)) {
    item.star = true;
    item.qualifier = tokens.take().text;
    tokens.take();
    tokens.take();
    return item;
  }
  item.expression = parse_expression(tokens);
  if (tokens.accept_word("as")) {
    item.alias = tokens.take_name("a column name");
  } else if (tokens.at_name() && !tokens.at_word("from") && !tokens.at_word("where") &&
             !is_clause_word(tokens)) {
    item.alias = tokens.take().text;
  }
  return item;
}

void parse_items(TokenReader& tokens, Select& select) {
  do select.items.push_back(parse_item(tokens));
  while (tokens.accept(","));
}

// (SELECT id, owner FROM lists) AS l (a, b)
void parse_column_names(TokenReader& tokens, Select& select) {
  const SourceOffset start = tokens.take().offset;
  size_t count = 0;
  do {
    const std::string name = tokens.take_name("a column name");
    if (count < select.items.size()) select.items[count].alias = name;
    count++;
  } while (tokens.accept(","));
  tokens.expect(")");
  const bool star = std::any_of(select.items.begin(), select.items.end(),
                                [](const SelectItem& item) { return item.star; });
  if (!star && count == select.items.size()) return;
  throw QueryError(start, "the names must be as many as the subquery selects columns",
                   "Select each column by name, and give each a name here.");
}

void parse_table(TokenReader& tokens, FromItem& item) {
  item.name = tokens.take_name("a table name");
  if (tokens.accept(".")) {
    item.schema = item.name;
    item.name = tokens.take_name("a table name");
  } else if (tokens.accept("(")) {
    if (item.name != "json_each") {
      throw QueryError(item.offset, "unknown table-valued function " + item.name + "()",
                       "json_each() is the only one.");
    }
    item.kind = FromItem::Kind::function;
    item.argument = parse_expression(tokens);
    tokens.expect(")");
  }
}

FromItem parse_from_item(TokenReader& tokens) {
  FromItem item;
  item.offset = tokens.peek().offset;
  if (tokens.accept("(")) {
    item.kind = FromItem::Kind::query;
    item.query = std::make_shared<Select>(parse_select(tokens));
    tokens.expect(")");
  } else {
    parse_table(tokens, item);
  }
  if (tokens.accept_word("as")) {
    item.alias = tokens.take_name("an alias");
  } else if (tokens.at_name() && !is_clause_word(tokens)) {
    item.alias = tokens.take().text;
  }
  if (item.query && tokens.at("(")) parse_column_names(tokens, *item.query);
  return item;
}

bool at_join(const TokenReader& tokens) {
  for (const std::string_view word : {"left", "right", "full", "cross", "natural"}) {
    if (!tokens.at_word(word)) continue;
    throw QueryError(tokens.peek().offset, upper(word) + " JOIN is not supported",
                     "Use INNER JOIN with ON; rows without a partner cannot be synced by a join.");
  }
  return tokens.at_word("join") || tokens.at_word("inner");
}

void parse_join(TokenReader& tokens, Select& select) {
  tokens.accept_word("inner");
  tokens.expect_word("join");
  select.from.push_back(parse_from_item(tokens));
  if (tokens.at_word("using")) {
    throw QueryError(tokens.peek().offset, "USING is not supported",
                     "Write ON with an equality of the two columns.");
  }
  if (tokens.accept_word("on")) select.conditions.push_back(parse_expression(tokens));
}

void parse_from(TokenReader& tokens, Select& select) {
  select.from.push_back(parse_from_item(tokens));
  for (;;) {
    if (tokens.accept(",")) {
      select.from.push_back(parse_from_item(tokens));
    } else if (at_join(tokens)) {
      parse_join(tokens, select);
    } else {
      return;
    }
  }
}

}  // namespace

Select parse_select(TokenReader& tokens) {
  Select select;
  select.offset = tokens.peek().offset;
  reject_statements(tokens);
  tokens.expect_word("select");
  if (tokens.at_word("distinct")) {
    throw QueryError(tokens.peek().offset, "DISTINCT is not supported",
                     "Leave it out: a client has each row once anyway.");
  }
  // A query for parameters may select none, to ask only whether there is a row.
  if (!tokens.at_word("from") && !tokens.at_word("where")) parse_items(tokens, select);
  if (tokens.accept_word("from")) {
    parse_from(tokens, select);
    if (tokens.at_name() && !is_clause_word(tokens)) tokens.unexpected("WHERE");
  } else if (tokens.at_name() && !is_clause_word(tokens)) {
    tokens.unexpected("FROM");
  }
  if (tokens.accept_word("where")) select.conditions.push_back(parse_expression(tokens));
  reject_clauses(tokens);
  return select;
}

Select parse_query(std::string_view query, SourceOffset start) {
  TokenReader tokens(query, start);
  Select select = parse_select(tokens);
  tokens.accept(";");
  reject_clauses(tokens);
  if (tokens.peek().kind != Token::Kind::end) tokens.unexpected("the end of the query");
  return select;
}

}  // namespace brigade
