#include "world.h"

namespace brigade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::string stream(const std::string& query) {
  return "config: {edition: 3}\nstreams:\n  s:\n    auto_subscribe: true\n    query: |\n      " +
         query + "\n";
}

Request request_of(const std::string& user, const std::string& token = "{}",
                   const std::string& parameters = "{}") {
  Request request;
  request.user_id = user;
  request.token_json = token;
  request.connection_parameters = parameters;
  return request;
}

TEST(Streams, GlobalQueryGivesEveryRowToEveryone) {
  World world(stream("SELECT * FROM settings"));
  world.add("settings", {{"id", "a"}, {"v", "1"}});
  EXPECT_THAT(world.rows_for("u1"), ElementsAre("settings/a"));
  EXPECT_THAT(world.data, ElementsAre(R"({"id":"a","v":"1"})"));
}

TEST(Streams, UserFilterSeparatesUsers) {
  World world(stream("SELECT * FROM lists WHERE owner_id = auth.user_id()"));
  world.add("lists", {{"id", "l1"}, {"owner_id", "u1"}});
  world.add("lists", {{"id", "l2"}, {"owner_id", "u2"}});
  world.add("lists", {{"id", "l3"}, {"owner_id", nullptr}});
  EXPECT_THAT(world.rows_for("u1"), ElementsAre("lists/l1"));
  EXPECT_THAT(world.rows_for("u2"), ElementsAre("lists/l2"));
}

TEST(Streams, SubqueryGoesThroughLookup) {
  World world(
      stream("SELECT * FROM todos WHERE list_id IN (SELECT id FROM lists WHERE owner_id = "
             "auth.user_id())"));
  world.add("lists", {{"id", "l1"}, {"owner_id", "u1"}});
  world.add("todos", {{"id", "t1"}, {"list_id", "l1"}});
  world.add("todos", {{"id", "t2"}, {"list_id", "l2"}});
  EXPECT_THAT(world.rows_for("u1"), ElementsAre("todos/t1"));
  EXPECT_THAT(world.rows_for("u2"), IsEmpty());
  const Resolution resolution = world.resolve(request_of("u1"));
  ASSERT_THAT(resolution.dependencies, SizeIs(1));
  EXPECT_EQ(resolution.dependencies[0].key, R"(["u1"])");
}

TEST(Streams, NestedSubqueriesChain) {
  World world(
      stream("SELECT * FROM tasks WHERE project_id IN (SELECT id FROM projects WHERE org_id IN"
             " (SELECT org_id FROM org_members WHERE user_id = auth.user_id()))"));
  world.add("org_members", {{"id", 1}, {"org_id", 7}, {"user_id", "u1"}});
  world.add("projects", {{"id", "p1"}, {"org_id", 7}});
  world.add("projects", {{"id", "p2"}, {"org_id", 8}});
  world.add("tasks", {{"id", "t1"}, {"project_id", "p1"}});
  world.add("tasks", {{"id", "t2"}, {"project_id", "p2"}});
  EXPECT_THAT(world.rows_for("u1"), ElementsAre("tasks/t1"));
}

TEST(Streams, JoinEqualsNestedSubquery) {
  World world(
      stream("SELECT comments.* FROM comments INNER JOIN issues ON comments.issue_id = issues.id"
             " JOIN project_members pm ON issues.project_id = pm.project_id"
             " WHERE pm.user_id = auth.user_id()"));
  world.add("project_members", {{"id", 1}, {"project_id", "p"}, {"user_id", "u1"}});
  world.add("issues", {{"id", "i"}, {"project_id", "p"}});
  world.add("comments", {{"id", "c"}, {"issue_id", "i"}});
  world.add("comments", {{"id", "d"}, {"issue_id", "j"}});
  EXPECT_THAT(world.rows_for("u1"), ElementsAre("comments/c"));
  EXPECT_THAT(world.rows_for("u2"), IsEmpty());
}

TEST(Streams, SelfJoinFindsUsersOfMyGroups) {
  World world(
      stream("SELECT users.* FROM users JOIN group_memberships gm1 ON users.id = gm1.user_id"
             " JOIN group_memberships gm2 ON gm1.group_id = gm2.group_id WHERE gm2.user_id = "
             "auth.user_id()"));
  for (const auto& [user, group] : {std::pair{"u1", "g"}, {"u2", "g"}, {"u3", "h"}}) {
    world.add("users", {{"id", user}});
    world.add("group_memberships", {{"id", user}, {"user_id", user}, {"group_id", group}});
  }
  EXPECT_THAT(world.rows_for("u1"), ElementsAre("users/u1", "users/u2"));
  EXPECT_THAT(world.rows_for("u3"), ElementsAre("users/u3"));
}

TEST(Streams, OrGivesBothBranches) {
  World world(
      stream("SELECT * FROM documents WHERE archived = 0 AND (owner_id = auth.user_id()"
             " OR id IN (SELECT document_id FROM shares WHERE shared_with = auth.user_id()))"));
  world.add("documents", {{"id", "d1"}, {"owner_id", "u1"}, {"archived", 0}});
  world.add("documents", {{"id", "d2"}, {"owner_id", "u2"}, {"archived", 0}});
  world.add("documents", {{"id", "d3"}, {"owner_id", "u1"}, {"archived", 1}});
  world.add("shares", {{"id", "s"}, {"document_id", "d2"}, {"shared_with", "u1"}});
  EXPECT_THAT(world.rows_for("u1"), ElementsAre("documents/d1", "documents/d2"));
  EXPECT_THAT(world.rows_for("u2"), ElementsAre("documents/d2"));
}

TEST(Streams, RequestOnlyConditionGates) {
  World world(stream(
      "SELECT * FROM articles WHERE status = 'published' OR auth.parameter('role') = 'admin'"));
  world.add("articles", {{"id", "a"}, {"status", "published"}});
  world.add("articles", {{"id", "b"}, {"status", "draft"}});
  EXPECT_THAT(world.rows_for(request_of("u", R"({"role":"user"})")), ElementsAre("articles/a"));
  EXPECT_THAT(world.rows_for(request_of("u", R"({"role":"admin"})")),
              ElementsAre("articles/a", "articles/b"));
}

TEST(Streams, ParameterArraysInAllThreeForms) {
  for (
      const char* query :
      {"SELECT * FROM projects WHERE id IN auth.parameter('ids')",
       "SELECT * FROM projects JOIN json_each(auth.parameter('ids')) AS t ON projects.id = t.value",
       "SELECT * FROM projects WHERE id IN (SELECT value FROM json_each(auth.parameter('ids')))"}) {
    World world(stream(query));
    for (const char* id : {"p1", "p2", "p3"}) world.add("projects", {{"id", id}});
    EXPECT_THAT(world.rows_for(request_of("u", R"({"ids":["p1","p3","p9"]})")),
                ElementsAre("projects/p1", "projects/p3"))
        << query;
    EXPECT_THAT(world.rows_for(request_of("u", R"({"ids":"p1"})")), IsEmpty()) << query;
  }
}

TEST(Streams, RowArraysExpandTheRow) {
  for (const char* query :
       {"SELECT * FROM posts WHERE auth.user_id() IN viewers",
        "SELECT * FROM posts WHERE auth.user_id() IN posts.viewers",
        "SELECT * FROM posts WHERE viewers && (SELECT id FROM people WHERE id = auth.user_id())"}) {
    World world(stream(query));
    world.add("people", {{"id", "u1"}});
    world.add("posts", {{"id", "p"}, {"viewers", R"(["u1","u2","u1"])"}});
    world.add("posts", {{"id", "q"}, {"viewers", "[]"}});
    world.add("posts", {{"id", "r"}, {"viewers", "no json"}});
    EXPECT_THAT(world.rows_for("u1"), ElementsAre("posts/p")) << query;
    EXPECT_THAT(world.rows_for("u3"), IsEmpty()) << query;
    EXPECT_THAT(world.errors, IsEmpty());
  }
}

// As of json_each(): the values of an object, and numbers beyond 64 bits as reals.
TEST(Streams, WhatAnArrayMayBe) {
  World world(
      stream("SELECT * FROM t WHERE id IN auth.parameter('ids') AND auth.parameter('n') IN ns"));
  world.add("t", {{"id", "a"}, {"ns", "[18446744073709551615,2]"}});
  world.add("t", {{"id", "b"}, {"ns", R"({"x":2,"y":-1})"}});
  const auto rows = [&](const std::string& ids, const std::string& n) {
    return world.rows_for(request_of("u", "{\"ids\":" + ids + ",\"n\":" + n + "}"));
  };
  EXPECT_THAT(rows(R"(["a","b"])", "2"), ElementsAre("t/a", "t/b"));
  EXPECT_THAT(rows(R"({"first":"a","second":"b"})", "2"), ElementsAre("t/a", "t/b"));
  EXPECT_THAT(rows(R"(["a","b"])", "-1"), ElementsAre("t/b"));
  EXPECT_THAT(rows(R"(["a","b"])", "18446744073709551615"), ElementsAre("t/a"));
  EXPECT_THAT(rows("\"a\"", "2"), IsEmpty());
}

TEST(Rows, AreLimitedInSize) {
  World world(R"(
config: {edition: 3}
streams:
  notes: {auto_subscribe: true, query: SELECT * FROM notes}
)");
  const std::string long_text(row_bytes_max - 100, 'x');
  world.add("notes", {{"id", "1"}, {"v", long_text}});
  world.add("notes", {{"id", "2"}, {"v", long_text + std::string(100, 'x')}});
  EXPECT_THAT(world.rows_for("anna"), ElementsAre("notes/1"));
  EXPECT_THAT(world.errors, ElementsAre("the row is larger than 15 MB; select fewer columns"));
}

TEST(Streams, JsonEachOverJoinedColumn) {
  World world(
      stream("SELECT * FROM lists WHERE id IN (SELECT lists.value FROM access_control a,"
             " json_each(a.allowed_lists) as lists WHERE a.user = auth.user_id())"));
  world.add("access_control", {{"id", 1}, {"user", "u1"}, {"allowed_lists", "[\"l1\",\"l2\"]"}});
  for (const char* id : {"l1", "l2", "l3"}) world.add("lists", {{"id", id}});
  EXPECT_THAT(world.rows_for("u1"), ElementsAre("lists/l1", "lists/l2"));
}

TEST(Streams, NumbersMatchAsInSql) {
  World world(stream("SELECT * FROM t WHERE n = auth.parameter('n')"));
  world.add("t", {{"id", "integer"}, {"n", 3}});
  world.add("t", {{"id", "real"}, {"n", 3.0}});
  world.add("t", {{"id", "text"}, {"n", "3"}});
  world.add("t", {{"id", "big"}, {"n", 9007199254740993}});
  EXPECT_THAT(world.rows_for(request_of("u", R"({"n":3})")), ElementsAre("t/integer", "t/real"));
  EXPECT_THAT(world.rows_for(request_of("u", R"({"n":"3"})")), ElementsAre("t/text"));
  EXPECT_THAT(world.rows_for(request_of("u", R"({"n":9007199254740993})")), ElementsAre("t/big"));
  EXPECT_THAT(world.rows_for(request_of("u", R"({"n":null})")), IsEmpty());
}

TEST(Streams, RowFiltersAreSqlites) {
  World world(stream(
      "SELECT id, upper(name) AS name, CASE WHEN score >= 90 THEN 'A' ELSE 'B' END AS grade,"
      " score::text AS score_text, meta ->> 'k' AS k FROM t WHERE score BETWEEN 10 AND 100 AND"
      " category NOT IN '[\"hidden\"]' AND deleted_at IS NULL"));
  world.add("t", {{"id", 1},
                  {"name", "x"},
                  {"score", 95},
                  {"meta", "{\"k\":5}"},
                  {"category", "a"},
                  {"deleted_at", nullptr}});
  world.add("t", {{"id", 2},
                  {"name", "y"},
                  {"score", 5},
                  {"meta", "{}"},
                  {"category", "a"},
                  {"deleted_at", nullptr}});
  world.add("t", {{"id", 3},
                  {"name", "z"},
                  {"score", 50},
                  {"meta", "{}"},
                  {"category", "hidden"},
                  {"deleted_at", nullptr}});
  EXPECT_THAT(world.data,
              ElementsAre(R"({"id":1,"name":"X","grade":"A","score_text":"95","k":5})"));
}

TEST(Streams, SubscriptionParametersAndSharedBuckets) {
  World world(R"(
config: {edition: 3}
streams:
  user_todos:
    auto_subscribe: true
    query: |
      SELECT * FROM todos
      WHERE list_id IN (SELECT id FROM lists WHERE owner_id = auth.user_id())
  list_todos:
    query: |
      SELECT * FROM todos
      WHERE list_id = subscription.parameter('list_id')
        AND list_id IN (SELECT id FROM lists WHERE owner_id = auth.user_id())
)");
  world.add("lists", {{"id", "l1"}, {"owner_id", "u1"}});
  world.add("lists", {{"id", "l2"}, {"owner_id", "u2"}});
  world.add("todos", {{"id", "t1"}, {"list_id", "l1"}});
  Request request = request_of("u1");
  request.subscriptions = {{"list_todos", R"({"list_id":"l1"})", 1},
                           {"list_todos", R"({"list_id":"l2"})", std::nullopt},
                           {"unknown", "{}", std::nullopt}};
  const Resolution resolution = world.resolve(request);
  ASSERT_THAT(resolution.buckets, SizeIs(1));
  EXPECT_EQ(resolution.buckets[0].priority, 1);
  EXPECT_THAT(resolution.buckets[0].reasons, SizeIs(2));
  EXPECT_EQ(world.plan.definitions[resolution.buckets[0].definition].bucket_name, "user_todos|0");
  ASSERT_THAT(resolution.streams, SizeIs(2));
  EXPECT_FALSE(resolution.streams[1].is_default);
}

TEST(Streams, CommonTablesAndSeveralQueries) {
  World world(R"(
config: {edition: 3}
with:
  user_orgs: SELECT org_id FROM org_members WHERE user_id = auth.user_id()
streams:
  org_data:
    auto_subscribe: true
    queries:
      - SELECT * FROM organizations WHERE id IN user_orgs
      - SELECT projects.* FROM projects JOIN user_orgs ON projects.org_id = user_orgs.org_id
)");
  world.add("org_members", {{"id", 1}, {"org_id", "o"}, {"user_id", "u1"}});
  world.add("organizations", {{"id", "o"}});
  world.add("projects", {{"id", "p"}, {"org_id", "o"}});
  EXPECT_THAT(world.rows_for("u1"), ElementsAre("organizations/o", "projects/p"));
  EXPECT_THAT(world.rows_for("u2"), IsEmpty());
}

TEST(Streams, WildcardsAndTableMetadata) {
  World world(
      stream("SELECT *, todos.table_suffix() AS year FROM \"%\".\"todos_%\" AS todos"
             " WHERE todos.schema() = auth.parameter('tenant')"));
  world.add("todos_2024", {{"id", "a"}}, "tenant1");
  world.add("todos_2025", {{"id", "b"}}, "tenant2");
  world.add("other", {{"id", "c"}}, "tenant1");
  EXPECT_THAT(world.rows_for(request_of("u", R"({"tenant":"tenant1"})")), ElementsAre("todos/a"));
  EXPECT_EQ(world.data[0], R"({"id":"a","year":"2024"})");
}

TEST(Streams, RowWithoutIdIsAnError) {
  World world(stream("SELECT * FROM t"));
  world.add("t", {{"id", nullptr}});
  world.add("t", {{"key", 1}});
  EXPECT_THAT(world.errors,
              ElementsAre("the id is null", "the table has no column \"id\"; select one AS id"));
}

TEST(Streams, LayoutAndOrderDoNotMatter) {
  const auto digests = [](const std::string& query) {
    std::set<std::string> result;
    for (const Definition& definition : World(stream(query)).plan.definitions) {
      result.insert(definition.digest);
    }
    return result;
  };
  EXPECT_EQ(
      digests("SELECT * FROM t WHERE a = 1 AND b = auth.user_id() AND c = auth.parameter('x')"),
      digests("SELECT  *  FROM T\n      WHERE auth.parameter('x') = c AND (b=auth.user_id()) and A "
              "= 1"));
  EXPECT_NE(digests("SELECT * FROM t WHERE a = 1"), digests("SELECT * FROM t WHERE a = 2"));
}

TEST(Streams, LimitsNameTheStream) {
  World world(stream("SELECT * FROM t WHERE id IN auth.parameter('ids')"));
  ResolveLimits limits;
  limits.buckets_max = 2;
  try {
    world.resolve(request_of("u", R"({"ids":[1,2,3]})"), limits);
    FAIL() << "no error";
  } catch (const ResolveError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("\"s\""));
  }
}

TEST(BucketDefinitions, AllParameterForms) {
  World world(R"(
bucket_definitions:
  global:
    data:
      - SELECT * FROM settings
  user_lists:
    priority: 1
    parameters: SELECT request.user_id() AS user_id
    data:
      - SELECT * FROM lists WHERE owner_id = bucket.user_id
  user_todos:
    parameters: SELECT id AS list_id FROM lists WHERE owner_id = token_parameters.user_id
    data:
      - SELECT * FROM todos WHERE list_id = bucket.list_id
  claimed:
    parameters: SELECT value AS project_id FROM json_each(request.jwt() -> 'project_ids')
    data:
      - SELECT * FROM projects WHERE id = bucket.project_id
)");
  world.add("settings", {{"id", "s"}});
  world.add("lists", {{"id", "l1"}, {"owner_id", "u1"}});
  world.add("todos", {{"id", "t1"}, {"list_id", "l1"}});
  world.add("projects", {{"id", "p1"}});
  const Request request = request_of("u1", R"({"project_ids":["p1"]})");
  EXPECT_THAT(world.rows_for(request),
              ElementsAre("lists/l1", "projects/p1", "settings/s", "todos/t1"));
  EXPECT_EQ(world.plan.definitions[0].bucket_name, "global");
  EXPECT_EQ(world.resolve(request).buckets[1].priority, 1);
}

TEST(BucketDefinitions, TableSuffixIsAColumn) {
  World world(R"(
bucket_definitions:
  by_year:
    parameters: SELECT request.parameters() ->> 'year' AS year
    data:
      - SELECT * FROM "todos_%" AS todos
        WHERE _table_suffix = bucket.year AND todos._table_suffix <> 'old'
)");
  for (const char* table : {"todos_2024", "todos_2025", "todos_old"}) {
    world.add(table, {{"id", table}});
  }
  EXPECT_THAT(world.rows_for(request_of("u", "{}", R"({"year":"2024"})")),
              ElementsAre("todos/todos_2024"));
  EXPECT_THAT(world.rows_for(request_of("u", "{}", R"({"year":"old"})")), IsEmpty());
  EXPECT_EQ(world.data[0], R"({"id":"todos_2024"})");
}

TEST(BucketDefinitions, TokenParametersAreNested) {
  World world(R"(
bucket_definitions:
  by_org:
    parameters: SELECT token_parameters.org AS org
    data: SELECT * FROM projects WHERE org = bucket.org
  by_tag:
    parameters: SELECT value AS tag FROM json_each(token_parameters.tags)
    data: SELECT * FROM notes WHERE tag = bucket.tag
)");
  world.add("projects", {{"id", "p"}, {"org", "o"}});
  world.add("notes", {{"id", "n"}, {"tag", "t"}});
  EXPECT_THAT(world.rows_for(request_of("u", R"({"parameters":{"org":"o","tags":["t"]}})")),
              ElementsAre("notes/n", "projects/p"));
  EXPECT_THAT(world.rows_for(request_of("u", R"({"org":"o","tags":["t"]})")), IsEmpty());
}

TEST(BucketDefinitions, ParameterQueryWithNothingButConditionsGates) {
  World world(R"(
bucket_definitions:
  newest:
    parameters: SELECT WHERE request.parameters() ->> 'range' = '1week'
    data: SELECT * FROM issues WHERE this_week = 1
)");
  world.add("issues", {{"id", "i"}, {"this_week", 1}});
  EXPECT_THAT(world.rows_for(request_of("u", "{}", R"({"range":"1week"})")),
              ElementsAre("issues/i"));
  EXPECT_THAT(world.rows_for(request_of("u", "{}", R"({"range":"1month"})")), IsEmpty());
}

TEST(BucketDefinitions, ParameterQueryWithoutColumnsGates) {
  World world(R"(
bucket_definitions:
  admins:
    parameters: SELECT FROM users WHERE users.id = request.user_id() AND users.is_admin = true
    data:
      - SELECT * FROM settings
)");
  world.add("users", {{"id", "u1"}, {"is_admin", 1}});
  world.add("users", {{"id", "u2"}, {"is_admin", 0}});
  world.add("settings", {{"id", "s"}});
  EXPECT_THAT(world.rows_for("u1"), ElementsAre("settings/s"));
  EXPECT_THAT(world.rows_for("u2"), IsEmpty());
}

}  // namespace
}  // namespace brigade
