#include "sync_config/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace brigade {
namespace {

using Kind = SourceTable::Kind;

SourceTable table(const std::string& name, Kind kind = Kind::table) {
  SourceTable result;
  result.name = {"public", name};
  result.kind = kind;
  result.columns = {"id", "owner_id", "name"};
  return result;
}

class FakeCatalog : public Catalog {
 public:
  explicit FakeCatalog(std::vector<SourceTable> tables) : tables_(std::move(tables)) {}
  std::vector<SourceTable> tables() override { return tables_; }

 private:
  std::vector<SourceTable> tables_;
};

// What is found as "error 5:20 message | remedy", for a query that begins at 5:7.
std::vector<std::string> check_config(const std::string& yaml, std::vector<SourceTable> tables) {
  const Compilation compilation = compile(yaml);
  EXPECT_TRUE(compilation.plan);
  FakeCatalog catalog(std::move(tables));
  std::vector<std::string> found;
  for (const Diagnostic& diagnostic : check_tables(compilation.table_uses, catalog)) {
    const bool error = diagnostic.severity == Diagnostic::Severity::error;
    found.push_back((error ? "error " : "warning ") + std::to_string(diagnostic.line) + ":" +
                    std::to_string(diagnostic.column) + " " + diagnostic.message + " | " +
                    diagnostic.remedy);
  }
  return found;
}

std::vector<std::string> check(const std::string& query, std::vector<SourceTable> tables) {
  return check_config("config: {edition: 3}\nstreams:\n  s:\n    query: |\n      " + query + "\n",
                      std::move(tables));
}

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(CatalogCheck, NothingToSay) {
  EXPECT_THAT(check("SELECT * FROM lists WHERE owner_id = auth.user_id()", {table("lists")}),
              IsEmpty());
}

TEST(CatalogCheck, UnknownTable) {
  EXPECT_THAT(check("SELECT * FROM list", {table("lists")}),
              ElementsAre("error 5:21 there is no table \"public.list\" | "
                          "Did you mean public.lists?"));
  EXPECT_THAT(check("SELECT * FROM lists", {table("Lists")}),
              ElementsAre(HasSubstr("Did you mean public.\"Lists\"?")));
  SourceTable elsewhere = table("lists");
  elsewhere.name.schema = "app";
  EXPECT_THAT(check("SELECT * FROM lists", {elsewhere, table("listz")}),
              ElementsAre(HasSubstr("Did you mean app.lists?")));
  EXPECT_THAT(check("SELECT * FROM lists", {table("cars")}),
              ElementsAre(HasSubstr("Create the table first")));
}

TEST(CatalogCheck, UnknownColumns) {
  EXPECT_THAT(check("SELECT id, nam FROM lists WHERE ownerid = auth.user_id()", {table("lists")}),
              ElementsAre("error 5:18 table \"public.lists\" has no column \"nam\" | "
                          "Did you mean name?",
                          "error 5:39 table \"public.lists\" has no column \"ownerid\" | "
                          "Did you mean owner_id?"));
  EXPECT_THAT(check("SELECT * FROM lists WHERE done", {table("lists")}),
              ElementsAre(HasSubstr("Add the column first")));
}

TEST(CatalogCheck, SubqueriesAndJoins) {
  EXPECT_THAT(check("SELECT * FROM lists WHERE id IN (SELECT list_id FROM shares WHERE id = 'x')",
                    {table("lists"), table("shares")}),
              ElementsAre("error 5:47 table \"public.shares\" has no column \"list_id\" | "
                          "Add the column first, or correct its name; text is written in "
                          "'single quotes'."));
  EXPECT_THAT(check("SELECT lists.* FROM lists JOIN share ON share.id = lists.id",
                    {table("lists"), table("shares")}),
              ElementsAre(HasSubstr("5:38 there is no table \"public.share\"")));
}

TEST(CatalogCheck, PlacesInNamedQueriesOnce) {
  const std::string yaml =
      "config: {edition: 3}\n"
      "with:\n"
      "  mine: SELECT id FROM lists WHERE owner = auth.user_id()\n"
      "streams:\n"
      "  a: {query: SELECT * FROM lists WHERE id IN mine}\n"
      "  b: {query: SELECT * FROM lists WHERE id IN mine AND name = 'x'}\n";
  EXPECT_THAT(check_config(yaml, {table("lists")}),
              ElementsAre(HasSubstr("error 3:36 table \"public.lists\" has no column \"owner\"")));
}

TEST(CatalogCheck, GlobalQueryWithATablesName) {
  const std::string yaml =
      "config: {edition: 3}\n"
      "with:\n"
      "  lists: SELECT id FROM shares\n"
      "streams:\n"
      "  a: {with: {shares: SELECT id FROM shares}, query: SELECT * FROM shares}\n";
  EXPECT_THAT(check_config(yaml, {table("lists"), table("shares")}),
              ElementsAre("error 3:3 the query \"lists\" of `with:` hides a table | Give the query "
                          "another name, or define it in the streams that mean it."));
  EXPECT_THAT(check_config(yaml, {table("shares")}), IsEmpty());
}

TEST(CatalogCheck, StarWithoutId) {
  SourceTable keyed = table("cars");
  keyed.columns = {"uuid", "name"};
  EXPECT_THAT(check("SELECT * FROM cars", {keyed}),
              ElementsAre(HasSubstr("5:21 table \"public.cars\" has no column \"id\"")));
  EXPECT_THAT(check("SELECT *, uuid AS id FROM cars", {keyed}), IsEmpty());
}

TEST(CatalogCheck, ReplicaIdentity) {
  SourceTable bare = table("lists");
  bare.has_primary_key = bare.has_replica_identity = false;
  EXPECT_THAT(
      check("SELECT * FROM lists", {bare}),
      ElementsAre("error 5:21 table \"public.lists\" has no replica identity: its updates and "
                  "deletes would be lost | Add a primary key, or ALTER TABLE public.lists "
                  "REPLICA IDENTITY FULL;"));
  bare.has_primary_key = true;
  EXPECT_THAT(check("SELECT * FROM lists", {bare}),
              ElementsAre(HasSubstr("ALTER TABLE public.lists REPLICA IDENTITY DEFAULT;")));
}

// Rows are in the partitions, each with a replica identity of its own.
TEST(CatalogCheck, Partitions) {
  SourceTable parts = table("parts", Kind::partitioned);
  parts.has_replica_identity = false;
  SourceTable north = table("north");
  north.ancestors = {{"public", "parts"}};
  EXPECT_THAT(check("SELECT * FROM parts", {north, parts}), IsEmpty());
  SourceTable south = north;
  south.name.table = "south";
  south.has_replica_identity = false;
  SourceTable far = north;
  far.name.table = "far";
  far.kind = Kind::foreign_table;
  EXPECT_THAT(check("SELECT * FROM parts", {far, north, parts, south}),
              ElementsAre(HasSubstr("error 5:21 \"public.far\" is a foreign table"),
                          HasSubstr("error 5:21 table \"public.south\" has no replica identity")));
}

TEST(CatalogCheck, Wildcards) {
  EXPECT_THAT(check("SELECT * FROM \"todo_%\"", {table("lists")}),
              ElementsAre(HasSubstr("warning 5:21 no table matches \"public.todo_%\"")));
  EXPECT_THAT(check("SELECT * FROM \"todo_%\"", {table("todo_a"), table("todo_v", Kind::view)}),
              ElementsAre(HasSubstr("warning 5:21 \"public.todo_v\" is a view")));
  EXPECT_THAT(check("SELECT id, done FROM \"todo_%\"", {table("todo_a")}),
              ElementsAre(HasSubstr("error 5:18 table \"public.todo_%\" has no column \"done\"")));
  EXPECT_THAT(check("SELECT * FROM \"%\"", {table("lists"), table("pg_class", Kind::system)}),
              IsEmpty());
}

TEST(CatalogCheck, Unreadable) {
  const std::pair<Kind, const char*> kinds[] = {{Kind::view, "is a view"},
                                                {Kind::materialized_view, "a materialized view"},
                                                {Kind::foreign_table, "is a foreign table"},
                                                {Kind::unlogged, "is unlogged"},
                                                {Kind::system, "is a system table"}};
  for (const auto& [kind, text] : kinds) {
    EXPECT_THAT(check("SELECT * FROM lists", {table("lists", kind)}),
                ElementsAre(testing::AllOf(HasSubstr("error 5:21"), HasSubstr(text))));
  }
}

TEST(CatalogCheck, ClassesOfValues) {
  SourceTable items = table("items");
  items.columns = {"id", "owner", "data", "size", "done"};
  items.column_classes = {ValueClass::text, ValueClass::number, ValueClass::binary,
                          ValueClass::other, ValueClass::boolean};
  EXPECT_THAT(check("SELECT * FROM items WHERE owner = auth.user_id()", {items}),
              ElementsAre("warning 5:33 column \"owner\" holds numbers, which no text equals | "
                          "Write owner::text."));
  EXPECT_THAT(check("SELECT * FROM items WHERE 7 = id", {items}),
              ElementsAre(HasSubstr("5:37 column \"id\" holds text, which no number equals")));
  EXPECT_THAT(check("SELECT * FROM items WHERE data = 'x'", {items}),
              ElementsAre(HasSubstr("column \"data\" holds binary values, which equal nothing")));
  EXPECT_THAT(check("SELECT * FROM items WHERE done = 'true'", {items}),
              ElementsAre("warning 5:33 column \"done\" holds booleans, which no text equals | "
                          "Compare with TRUE or FALSE."));
  EXPECT_THAT(check("SELECT * FROM items WHERE done = TRUE OR done = 0", {items}), IsEmpty());
  EXPECT_THAT(check("SELECT * FROM items WHERE owner::text = auth.user_id() AND owner = 1 AND "
                    "id = 'x' AND size = 'x' AND owner = size",
                    {items}),
              IsEmpty());
}

// A temporary table is in a schema that a query cannot name.
TEST(CatalogCheck, Temporary) {
  SourceTable temporary = table("lists", Kind::temporary);
  temporary.name.schema = "pg_temp_3";
  EXPECT_THAT(check("SELECT * FROM lists", {temporary}),
              ElementsAre(HasSubstr("A temporary table cannot be synced.")));
}

}  // namespace
}  // namespace brigade
