#include "world.h"

// The constructs of the two grammars that decide whether a row is synced, one a case;
// docs/language-coverage.md lists which rule has which test.
namespace brigade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

World stream(const std::string& query) {
  return World(
      "config: {edition: 3}\nstreams:\n  s:\n    auto_subscribe: true\n    query: |\n      " +
      query + "\n");
}

class Conditions : public testing::TestWithParam<const char*> {};

// Each holds for the row "yes" and not for the row "no".
TEST_P(Conditions, ChooseTheRow) {
  World world = stream(std::string("SELECT id FROM t WHERE ") + GetParam());
  world.add("t", {{"id", "yes"}, {"n", 5}, {"w", "b"}, {"z", nullptr}, {"j", R"({"k":[7]})"}});
  world.add("t", {{"id", "no"}, {"n", 50}, {"w", "x"}, {"z", 1}, {"j", R"({"k":[8]})"}});
  EXPECT_THAT(world.rows_for("u"), ElementsAre("t/yes"));
}

INSTANTIATE_TEST_SUITE_P(Predicates, Conditions,
                         testing::Values("n = 5", "5 = n", "n <> 50", "n != 50", "n < 6", "n <= 5",
                                         "6 > n", "5 >= n", "z IS NULL", "n IS NOT NULL AND n = 5",
                                         "n BETWEEN 1 AND 9", "n NOT BETWEEN 10 AND 90",
                                         "w IN ('a', 'b')", "w NOT IN ('x')", "w IN '[\"b\"]'",
                                         "w IN ARRAY['b']", "w IN ROW('b', 'c')"));

INSTANTIATE_TEST_SUITE_P(Logic, Conditions,
                         testing::Values("NOT n = 50", "NOT (n = 50 OR w = 'x')",
                                         "n = 5 AND (w = 'a' OR w = 'b')",
                                         "(n = 5 OR n = 6) AND NOT z IS NOT NULL"));

INSTANTIATE_TEST_SUITE_P(
    Expressions, Conditions,
    testing::Values("t.n + 1 = 6", "n * 2 - 1 = 9", "n / 2 = 2", "n % 7 = 5", "w || 'c' = 'bc'",
                    "upper(w) = 'B'", "j ->> '$.k[0]' = 7", "j -> 'k' ->> 0 = 7", "(n = 5) = TRUE",
                    "(n = 5) <> FALSE", "CAST(n AS TEXT) = '5'", "CAST(w AS INTEGER) + n = 5",
                    "CAST(n AS REAL) = 5.0", "CAST('5' AS NUMERIC) = n",
                    "hex(CAST(w AS BLOB)) = '62'", "n::text = '5'",
                    "CASE n WHEN 5 THEN 'b' WHEN 50 THEN 'y' END = w",
                    "CASE WHEN NOT n = 5 OR z IS NOT NULL THEN 0 ELSE 1 END = 1",
                    "CASE w WHEN 'x' THEN 0 ELSE 1 END", "-n = -5", "+n = 5"));

// A subquery in FROM has the columns it names, in their order.
TEST(Star, OfASubquery) {
  for (const char* query : {"SELECT s.* FROM (SELECT n AS m, id, w || '!' AS a FROM t) AS s",
                            "SELECT * FROM (SELECT n AS m, id, w || '!' AS a FROM t) AS s"}) {
    World world = stream(query);
    world.add("t", {{"id", "1"}, {"n", 5}, {"w", "b"}});
    EXPECT_THAT(world.data, ElementsAre(R"({"m":5,"id":"1","a":"b!"})"));
  }
  World world = stream("SELECT s.* FROM (SELECT *, n + 1 AS m FROM t) AS s");
  world.add("t", {{"id", "1"}, {"n", 5}});
  EXPECT_THAT(world.data, ElementsAre(R"({"id":"1","n":5,"m":6})"));
}

class Sources : public testing::TestWithParam<const char*> {};

// Each gives the user "u" the todos of her lists.
TEST_P(Sources, FindTheRows) {
  World world = stream(GetParam());
  world.add("lists", {{"id", "l1"}, {"owner", "u"}});
  world.add("lists", {{"id", "l2"}, {"owner", "v"}});
  world.add("todos", {{"id", "t1"}, {"list", "l1"}});
  world.add("todos", {{"id", "t2"}, {"list", "l2"}});
  EXPECT_THAT(world.rows_for("u"), ElementsAre("todos/t1"));
  EXPECT_THAT(world.rows_for("w"), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    All, Sources,
    testing::Values(
        "SELECT * FROM todos WHERE list IN (SELECT id FROM lists WHERE owner = auth.user_id())",
        "SELECT todos.* FROM todos JOIN lists ON todos.list = lists.id"
        " WHERE lists.owner = auth.user_id()",
        "SELECT todos.id FROM todos INNER JOIN lists AS l ON todos.list = l.id"
        " AND l.owner = auth.user_id()",
        "SELECT todos.* FROM todos, lists l WHERE todos.list = l.id AND l.owner = auth.user_id()",
        "SELECT todos.* FROM todos JOIN (SELECT id, owner FROM lists) AS l ON todos.list = l.id"
        " WHERE l.owner = auth.user_id()",
        "SELECT todos.* FROM todos, (SELECT id, owner FROM lists) AS l (a, b)"
        " WHERE todos.list = l.a AND l.b = auth.user_id()"));

TEST(References, QuotedIdentifiersKeepTheirCase) {
  World world =
      stream(R"(SELECT "ID" AS id, "a ""b""" AS c FROM "TODOs" WHERE "TODOs"."By" = 'u')");
  world.add("TODOs", {{"ID", "t"}, {"a \"b\"", 1}, {"By", "u"}});
  EXPECT_THAT(world.data, ElementsAre(R"({"id":"t","c":1})"));
}

TEST(Metadata, TableName) {
  World world = stream("SELECT id, t.table_name() AS name FROM \"log_%\" AS t");
  world.add("log_1", {{"id", "a"}});
  EXPECT_THAT(world.data, ElementsAre(R"({"id":"a","name":"log_1"})"));
}

TEST(Overlap, OfTheRowsArrayAndAParameter) {
  World world = stream("SELECT id FROM t WHERE tags && auth.parameter('tags')");
  world.add("t", {{"id", "both"}, {"tags", R"(["x","y"])"}});
  world.add("t", {{"id", "neither"}, {"tags", R"(["z"])"}});
  Request request;
  request.user_id = "u";
  request.token_json = R"({"tags":["w","x"]})";
  request.connection_parameters = "{}";
  EXPECT_THAT(world.rows_for(request), ElementsAre("t/both"));
}

// A common table's name means nothing in another, nor in itself: there it is a table.
TEST(CommonTables, ReadTablesOnly) {
  World world(R"(
config: {edition: 3}
with:
  mine: SELECT id FROM a WHERE owner = auth.user_id()
streams:
  s:
    auto_subscribe: true
    with:
      a: SELECT id FROM a WHERE id = 'x'
    query: SELECT * FROM t WHERE x IN mine AND x IN a
)");
  world.add("a", {{"id", "x"}, {"owner", "u"}});
  world.add("a", {{"id", "y"}, {"owner", "u"}});
  world.add("t", {{"id", "1"}, {"x", "x"}});
  world.add("t", {{"id", "2"}, {"x", "y"}});
  EXPECT_THAT(world.rows_for("u"), ElementsAre("t/1"));
}

TEST(CommonTables, AStreamsOwnHidesTheGlobal) {
  World world(R"(
config: {edition: 3}
with:
  mine: SELECT id FROM a WHERE owner = auth.user_id()
streams:
  s:
    auto_subscribe: true
    with:
      mine: SELECT id FROM b WHERE owner = auth.user_id()
    query: SELECT * FROM t WHERE x IN mine
)");
  world.add("a", {{"id", "in a"}, {"owner", "u"}});
  world.add("b", {{"id", "in b"}, {"owner", "u"}});
  world.add("t", {{"id", "1"}, {"x", "in a"}});
  world.add("t", {{"id", "2"}, {"x", "in b"}});
  EXPECT_THAT(world.rows_for("u"), ElementsAre("t/2"));
}

}  // namespace
}  // namespace brigade
