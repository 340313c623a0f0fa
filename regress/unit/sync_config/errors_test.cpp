#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync_config/compiler.h"

namespace brigade {
namespace {

struct Case {
  const char* query;
  int column;  // of the error, counted in the query
  const char* message;
};

class QueryErrors : public testing::TestWithParam<Case> {};

TEST_P(QueryErrors, NameThePlaceAndTheRemedy) {
  const Compilation compilation = compile(
      std::string("config: {edition: 3}\nstreams:\n  s:\n    query: |\n      ") + GetParam().query);
  ASSERT_FALSE(compilation.plan);
  ASSERT_FALSE(compilation.diagnostics.empty());
  const Diagnostic& first = compilation.diagnostics.front();
  EXPECT_THAT(first.message, testing::HasSubstr(GetParam().message));
  EXPECT_EQ(first.line, 5);
  EXPECT_EQ(first.column, 6 + GetParam().column);
}

INSTANTIATE_TEST_SUITE_P(
    All, QueryErrors,
    testing::Values(
        Case{"SELECT * FROM t ORDER BY id", 17, "ORDER is not supported"},
        Case{"SELECT * FROM t LIMIT 5", 17, "LIMIT is not supported"},
        Case{"SELECT DISTINCT id FROM t", 8, "DISTINCT is not supported"},
        Case{"SELECT count(id) AS id FROM t", 8, "aggregate function count()"},
        Case{"SELECT * FROM a LEFT JOIN b ON a.x = b.x", 17, "LEFT JOIN is not supported"},
        Case{"SELECT * FROM a, b", 8, "more than one table"},
        Case{"SELECT a.id, b.x FROM a JOIN b ON a.x = b.x", 14, "more than one table"},
        Case{"SELECT a.* FROM a JOIN b ON a.x > b.y", 33, "two tables are compared"},
        Case{"SELECT name FROM t", 1, "selects no \"id\""},
        Case{"SELECT FROM t", 1, "no column of a table is selected"},
        Case{"SELECT * FROM t WHERE x IN (SELECT FROM u)", 29, "must select one column"},
        Case{"SELECT id, x + 1 FROM t", 12, "has no name"},
        Case{"SELECT * FROM t WHERE x LIKE 'a%'", 25, "LIKE is not supported"},
        Case{"SELECT * FROM t WHERE x > auth.user_id()", 25, "cannot be looked up"},
        Case{"SELECT * FROM t WHERE x NOT IN (SELECT id FROM u)", 25, "cannot be negated"},
        Case{"SELECT * FROM t WHERE u.x = 1", 23, "unknown column \"u.x\""},
        Case{"SELECT * FROM t WHERE now() = x", 23, "now() is not supported"},
        Case{"SELECT id, unixepoch('now') AS n FROM t", 22, "'now' is not supported"},
        Case{"SELECT id, datetime(x, 'localtime') AS n FROM t", 24, "modifier of datetime()"},
        Case{"SELECT id, json_extract(x, y) AS n FROM t", 28, "a JSON path must be text"},
        Case{"SELECT id, x ->> y AS n FROM t", 18, "a JSON path must be text or a whole number"},
        Case{"SELECT id, x ->> '$.a[' AS n FROM t", 18, "the JSON path is not valid"},
        Case{"SELECT id, x -> '$a' AS n FROM t", 17, "the JSON path is not valid"},
        Case{"SELECT id, json_array_length(x, '$.') AS n FROM t", 33, "path is not valid"},
        Case{"SELECT * FROM t WHERE foo(x) = 1", 23, "unknown function foo()"},
        Case{"SELECT * FROM t WHERE auth.uid() = x", 23, "unknown function auth.uid()"},
        Case{"SELECT id, auth.user_id() AS u FROM t", 12, "cannot depend on the request"},
        Case{"SELECT * FROM t WHERE x = 'abc", 27, "is not closed"},
        Case{"SELECT * FROM t WHERE", 22, "expected an expression"},
        Case{"SELECT * FROM t WHERE x = `y`", 27, "unexpected character"},
        Case{"SELECT * FROM t WHERE x = 1e3", 27, "\"1e3\" is no number"},
        Case{"SELECT * FROM t WHERE x = 1.5e-3", 27, "\"1.5e\" is no number"},
        Case{"SELECT * FROM t WHERE x = 0xFF", 27, "\"0xFF\" is no number"},
        Case{"SELECT * FROM 2fa_codes", 15, "\"2fa_codes\" is no number"},
        Case{"DELETE FROM t", 1, "only SELECT"},
        Case{"WITH x AS (SELECT 1) SELECT * FROM x", 1, "WITH cannot be part"},
        Case{"SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u)", 23, "EXISTS is not supported"},
        Case{"SELECT t.* FROM t JOIN (SELECT a, b FROM u) AS v (x) ON v.x = t.x", 50, "as many as"},
        Case{"SELECT t.* FROM t JOIN (SELECT * FROM u) AS v (x) ON v.x = t.x", 47, "as many as"},
        Case{"SELECT * FROM t WHERE x = CURRENT_DATE", 27, "CURRENT_DATE is not supported"},
        Case{"SELECT * FROM t WHERE x = current_user", 27, "CURRENT_USER is not supported"},
        Case{"SELECT * FROM t WHERE (x, y) IN (SELECT a, b FROM u)", 25, "several values"},
        Case{"SELECT * FROM t WHERE count(*) > 1", 23, "aggregate function count()"},
        Case{"SELECT id, row_number() OVER (ORDER BY x) AS r FROM t", 12, "window function"},
        Case{"SELECT * FROM t WHERE x ISNULL", 25, "ISNULL is not supported"},
        Case{"SELECT * FROM t WHERE x COLLATE \"C\" = 'a'", 25, "COLLATE is not supported"},
        Case{"SELECT * FROM t WHERE x ~ 'a'", 25, "~ is not supported"},
        Case{"SELECT id, x['a'] AS z FROM t", 13, "[ is not supported"},
        Case{"SELECT * FROM t WHERE x IS NOT DISTINCT FROM y", 25, "IS DISTINCT FROM"},
        Case{"SELECT id, FROM t", 12, "expected an expression, but found \"from\""},
        Case{"SELECT id FORM t", 16, "expected FROM, but found \"t\""},
        Case{"SELECT id FROM t WHER x = 1", 23, "expected WHERE, but found \"x\""},
        Case{"SELECT *", 1, "has no FROM"}));

class Remedies : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(Remedies, SayWhatToWrite) {
  const auto& [query, remedy] = GetParam();
  const Compilation compilation = compile(
      std::string("config: {edition: 3}\nstreams:\n  s:\n    query: |\n      ") + query + "\n");
  ASSERT_FALSE(compilation.diagnostics.empty()) << query;
  EXPECT_THAT(compilation.diagnostics.front().remedy, testing::HasSubstr(remedy)) << query;
}

INSTANTIATE_TEST_SUITE_P(
    All, Remedies,
    testing::Values(
        std::pair("SELECT * FROM t WHERE x = auth.user_id", "Write auth.user_id()."),
        std::pair("SELECT * FROM t WHERE x = auth.userid()", "Use auth.user_id(), auth.parameter"),
        std::pair("SELECT * FROM t WHERE x = subscription.list",
                  "Write subscription.parameter('list')."),
        std::pair("SELECT * FROM t WHERE x = subscription.parameter(\"list\")",
                  "'single quotes': subscription.parameter('list')."),
        std::pair("SELECT * FROM t WHERE x = auth.parameters('a')",
                  "Write auth.parameter('name') for one of them."),
        std::pair("SELECT * FROM t WHERE x = request.user", "Write request.user_id()"),
        std::pair("SELECT * FROM t WHERE x = bucket.id", "Only data queries of bucket_definitions"),
        std::pair("SELECT * FROM todos WHERE todo.x = 1", "Did you mean todos.x?"),
        std::pair("SELECT t.* FROM t JOIN (SELECT id FROM u) AS v ON v.idd = t.u",
                  "Did you mean v.id?"),
        std::pair("SELECT t.* FROM t JOIN json_each(auth.parameter('a')) AS j ON j.id = t.u",
                  "\"j\" has value."),
        std::pair("SELECT id FROM t WHERE x = $1", "Parameters are functions"),
        std::pair("SELECT id, x #>> '{a}' AS y FROM t", "The operators on JSON are"),
        std::pair("SELECT * FROM t WHERE x = ANY(auth.parameter('ids'))",
                  "Write column IN auth.parameter('name')."),
        std::pair("SELECT id, uper(x) AS y FROM t", "Did you mean upper()?"),
        std::pair("SELECT id, soundex(x) AS y FROM t", "The functions are base64, datetime"),
        std::pair("SELECT * FROM t WHERE table_suffix() = 'x'", "todos.table_suffix()"),
        std::pair("SELECT * FROM t WHERE t.table_suffix() = 'x'", "the % of a name")));

Diagnostic first_error(const std::string& yaml) {
  const Compilation compilation = compile(yaml);
  EXPECT_FALSE(compilation.plan);
  return compilation.diagnostics.empty() ? Diagnostic{} : compilation.diagnostics.front();
}

TEST(ConfigErrors, Structure) {
  EXPECT_THAT(first_error("").message, testing::HasSubstr("must be a map"));
  EXPECT_THAT(first_error("a: [").message, testing::HasSubstr("not valid YAML"));
  EXPECT_THAT(first_error("config: {edition: 3}").message, testing::HasSubstr("no streams"));
  EXPECT_THAT(first_error("streams:\n  s:\n    quary: SELECT * FROM t\n").message,
              testing::HasSubstr("unknown key \"quary\""));
  EXPECT_THAT(first_error("streams:\n  s:\n    priority: 9\n    query: SELECT * FROM t\n").message,
              testing::HasSubstr("priority must be"));
  EXPECT_THAT(first_error("config: {edition: 9}\nstreams: {s: {query: SELECT * FROM t}}").message,
              testing::HasSubstr("unknown edition"));
}

std::string repeat(const std::string& text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; i++) result += text;
  return result;
}

// SQLite's limits are met at deploy, not at the first row.
TEST(ConfigErrors, ExpressionsThatSqliteWouldRefuse) {
  const std::string start = "config: {edition: 3}\nstreams:\n  s:\n    query: SELECT id, ";
  const std::vector<std::pair<const char*, const char*>> levels = {{"- + ", ""},
                                                                   {"NOT ", ""},
                                                                   {"upper(", ")"},
                                                                   {"1 + (2 - ", ")"},
                                                                   {"CASE WHEN a THEN ", " END"}};
  for (const auto& [open, close] : levels) {
    const std::string expression = repeat(open, 60) + "a" + repeat(close, 60);
    EXPECT_THAT(first_error(start + expression + " AS b FROM t\n").message,
                testing::HasSubstr("nested too deeply"))
        << open;
  }
  for (const char* link : {" OR a", " AND a", " || a", " = a", " IS NULL", "::text"}) {
    EXPECT_THAT(first_error(start + "a" + repeat(link, 1000) + " AS b FROM t\n").message,
                testing::HasSubstr("too many operators in a row"))
        << link;
  }
}

TEST(ConfigErrors, NumbersThatDoNotFit) {
  const std::string start = "streams: {s: {query: SELECT * FROM t WHERE a = ";
  EXPECT_THAT(first_error(start + "9223372036854775808}}").message,
              testing::HasSubstr("does not fit in 64 bits"));
  EXPECT_THAT(first_error(start + repeat("9", 400) + ".0}}").message,
              testing::HasSubstr("the number is too large"));
  EXPECT_TRUE(compile(start + "0." + repeat("0", 400) + "1}}").plan);
}

TEST(ConfigErrors, AnEmptyTextHasAPlace) {
  for (const char* text : {"", "---", "# nothing\n"}) {
    EXPECT_EQ(first_error(text).line, 1) << text;
    EXPECT_EQ(first_error(text).column, 1) << text;
  }
}

TEST(ConfigErrors, WhatIsNoTextHasAPlace) {
  for (const char* bytes : {"\x8A", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80"}) {
    const Diagnostic error =
        first_error("streams:\n  s:\n    query: SELECT * FROM \"é" + std::string(bytes) + "\"\n");
    EXPECT_THAT(error.message, testing::HasSubstr("not text in UTF-8"));
    EXPECT_EQ(error.line, 3);
    EXPECT_EQ(error.column, 29);
  }
}

TEST(ConfigErrors, EscapesOfWhatCannotBeStored) {
  for (const char* escape : {"\\0", "\\x00", "\\N", "\\_"}) {
    const std::string text = "\"a" + std::string(escape) + "\"";
    for (const std::string& config :
         {"streams: {" + text + ": {query: SELECT * FROM t}}",
          "streams: {s: {query: " + text + "}}",
          "bucket_definitions: {" + text + ": {data: SELECT * FROM t}}", text + ": 1",
          "config: {edition: " + text + "}", "streams: {s: &s [*s], " + text + ": 1}"}) {
      const Diagnostic error = first_error(config);
      EXPECT_EQ(error.message, "this text has the character NUL, or an escape \\N or \\_");
      EXPECT_EQ(error.column, config.find(text) + 1) << config;
    }
  }
}

TEST(ConfigErrors, PlacesInOneLineScalars) {
  const Diagnostic error = first_error("streams:\n  s:\n    query: SELECT * FROM t ORDER BY x\n");
  EXPECT_EQ(error.line, 3);
  EXPECT_EQ(error.column, 28);
}

// Whatever the style of the scalar, the place is that of the word "ORDER" in the text.
TEST(ConfigErrors, PlacesInScalarsOfAllStyles) {
  const std::string start = "streams:\n  s:\n    query: ";
  for (const char* scalar :
       {"SELECT * FROM t\n      ORDER BY x", ">\n      SELECT *\n      FROM t\n      ORDER BY x",
        ">-\n\n      SELECT *\n\n      FROM t ORDER BY x",
        "|2\n      SELECT * FROM t\n\n      ORDER BY x",
        "'SELECT * FROM t WHERE a = ''b''\n      ORDER BY x'",
        "\"SELECT * FROM t WHERE \\\"a\\\" = \\x27\\u00e9' \\\n      ORDER BY x\"",
        "\"SELECT\\t*\\nFROM t\\n\\n ORDER BY x\""}) {
    const std::string yaml = start + scalar + "\n";
    const Diagnostic error = first_error(yaml);
    EXPECT_EQ(error.message, "ORDER is not supported") << yaml;
    size_t position = 0;
    for (int line = 1; line < error.line; line++) position = yaml.find('\n', position) + 1;
    EXPECT_EQ(position + error.column - 1, yaml.find("ORDER")) << yaml;
  }
}

TEST(ConfigErrors, ChainsOfCommonTables) {
  const std::string start = "config: {edition: 3}\nwith: {mine: SELECT id FROM a}\nstreams:\n";
  for (const char* other : {"SELECT id FROM mine", "SELECT id FROM b WHERE id IN mine",
                            "SELECT id FROM b WHERE id IN (SELECT id FROM mine)",
                            "SELECT x.id FROM (SELECT id FROM mine) AS x"}) {
    EXPECT_THAT(
        first_error(start + "  s: {with: {own: " + other + "}, query: SELECT * FROM t}\n").message,
        testing::HasSubstr("cannot use another, \"mine\""));
  }
}

TEST(ConfigErrors, UnusedParameters) {
  const std::string yaml =
      "bucket_definitions:\n"
      "  mine:\n"
      "    parameters: [\"SELECT request.user_id() AS u, request.parameters() ->> 'a' AS a\",\n"
      "                 \"SELECT u, a FROM p WHERE id = request.user_id()\"]\n"
      "    data: [SELECT * FROM t WHERE u = bucket.u AND a = bucket.a,\n"
      "           SELECT * FROM s WHERE u = bucket.u]\n";
  const std::vector<Diagnostic> found = compile(yaml).diagnostics;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].message, "the data query does not use the parameter bucket.a");
  EXPECT_EQ(found[0].line, 6);
  EXPECT_EQ(found[0].column, 12);
}

TEST(ConfigErrors, KeysThatAreNone) {
  EXPECT_EQ(first_error("streams:\n  s:\n    quary: SELECT * FROM t\n").remedy,
            "Did you mean query?");
  EXPECT_EQ(first_error("replication: {}\nsync_config: {path: a}\n").message,
            "this is the service's configuration, not a sync config");
}

TEST(ConfigWarnings, FilterThatClientsChooseFreely) {
  const Compilation compilation =
      compile("streams:\n  s:\n    query: SELECT * FROM t WHERE x = subscription.parameter('x')\n");
  ASSERT_TRUE(compilation.plan);
  ASSERT_EQ(compilation.diagnostics.size(), 1u);
  EXPECT_EQ(compilation.diagnostics[0].severity, Diagnostic::Severity::warning);
}

TEST(StoredPlans, NumbersMustFit) {
  const Compilation compilation = compile("streams: {s: {query: SELECT * FROM t}}");
  ASSERT_TRUE(compilation.plan);
  auto stored = nlohmann::json::parse(serialize(*compilation.plan));
  for (const nlohmann::json& number : {nlohmann::json(6.7e89), nlohmann::json(1.5),
                                       nlohmann::json(1LL << 40), nlohmann::json(true)}) {
    stored["streams"][0]["priority"] = number;
    EXPECT_THROW(deserialize(stored.dump()), std::runtime_error) << number;
  }
}

}  // namespace
}  // namespace brigade
