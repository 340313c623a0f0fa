#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync_config/compiler.h"

// A definition's digest is what two configs share data by: it depends on what is meant only.
namespace brigade {
namespace {

std::multiset<std::string> digests(const std::string& yaml) {
  const Compilation compilation = compile(yaml);
  EXPECT_TRUE(compilation.plan) << compilation.diagnostics.front().message;
  std::multiset<std::string> result;
  for (const Definition& definition : compilation.plan->definitions) {
    result.insert(definition.digest);
  }
  return result;
}

constexpr const char* config = R"yaml(config:
  edition: 3
with:
  mine: SELECT org FROM members WHERE user_id = auth.user_id()
streams:
  lists:
    auto_subscribe: true
    priority: 1
    query: SELECT * FROM lists WHERE org IN mine AND (archived = 0 OR owner = auth.user_id())
  todos:
    with:
      own: SELECT id FROM lists WHERE owner = auth.user_id()
    queries:
      - SELECT * FROM todos WHERE list_id IN own AND done = 0
      - SELECT id, text FROM notes WHERE tag = subscription.parameter('tag')
)yaml";

// The same in another order of streams, keys and queries, with other names, quotes and comments.
constexpr const char* rearranged = R"yaml(# To-do lists
streams:
  remarks: {query: "SELECT id,text FROM \"notes\" WHERE subscription.parameter( 'tag' )=tag"}
  work:
    queries:
      - |
        -- open ones
        SELECT * FROM public.todos
        WHERE done = 0
          AND list_id IN (SELECT l.id FROM lists AS l WHERE auth.user_id() = l.owner)
      - >
        select * from LISTS where (lists.archived = 0 or lists.owner = auth.user_id())
        and lists.org in orgs
    priority: 0
with: {orgs: "SELECT org AS o FROM members m WHERE m.user_id = auth.user_id()"}
config: {edition: 3}
)yaml";

TEST(Digests, DependOnWhatIsMeant) { EXPECT_EQ(digests(config), digests(rearranged)); }

constexpr const char* rules = R"yaml(bucket_definitions:
  by_user:
    priority: 1
    parameters:
      - SELECT request.user_id() AS u
      - SELECT user_id AS u FROM admins WHERE id = request.user_id()
    data:
      - SELECT * FROM lists WHERE owner = bucket.u
      - SELECT id, text FROM notes WHERE owner = bucket.u
  all:
    data: SELECT * FROM settings
)yaml";

constexpr const char* rearranged_rules = R"yaml(bucket_definitions:
  everyone: {data: [SELECT * FROM settings]}
  users:
    data: [ "SELECT id, text FROM notes WHERE bucket.w = notes.owner",
            "SELECT * FROM lists WHERE bucket.w = owner" ]
    parameters:
      - select user_id as w from admins where request.user_id() = id
      - select token_parameters.user_id as w
)yaml";

TEST(Digests, OfSyncRulesToo) { EXPECT_EQ(digests(rules), digests(rearranged_rules)); }

TEST(Digests, DependOnAllThatIsMeant) {
  const auto changed = [](const std::string& from, const std::string& to) {
    std::string yaml = config;
    yaml.replace(yaml.find(from), from.size(), to);
    return digests(yaml);
  };
  EXPECT_NE(digests(config), changed("done = 0", "done = 1"));
  EXPECT_NE(digests(config), changed("id, text", "text, id"));
  EXPECT_NE(digests(config), changed("FROM notes", "FROM notes AS remarks"));
  EXPECT_NE(digests(config), changed("SELECT org", "SELECT id"));
  EXPECT_NE(digests(config), changed("edition: 3", "edition: 3\n  timestamps_iso8601: false"));
}

}  // namespace
}  // namespace brigade
