#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync_config/compiler.h"

namespace brigade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> warnings_of(const std::string& yaml) {
  const Compilation compilation = compile(yaml);
  EXPECT_TRUE(compilation.plan);
  std::vector<std::string> messages;
  for (const Diagnostic& diagnostic : compilation.diagnostics) {
    EXPECT_EQ(diagnostic.severity, Diagnostic::Severity::warning);
    messages.push_back(std::to_string(diagnostic.line) + " " + diagnostic.message);
  }
  return messages;
}

std::vector<std::string> warnings_of_query(const std::string& query,
                                           const std::string& options = {}) {
  return warnings_of("config: {edition: 3}\nstreams:\n  s:\n" + options + "    query: >\n      " +
                     query + "\n");
}

TEST(Warnings, RowsForWhoeverGuesses) {
  const auto found = HasSubstr("3 stream \"s\" filters only by parameters that clients choose");
  const std::string by_subscription = "SELECT * FROM t WHERE id = subscription.parameter('id')";
  EXPECT_THAT(warnings_of_query(by_subscription), ElementsAre(found));
  EXPECT_THAT(warnings_of_query("SELECT * FROM t WHERE id = connection.parameter('id')"),
              ElementsAre(found));
  EXPECT_THAT(warnings_of_query(by_subscription + " AND owner = auth.user_id()"), IsEmpty());
  EXPECT_THAT(warnings_of_query(by_subscription + " AND auth.parameter('role') = 'x'"), IsEmpty());
  EXPECT_THAT(
      warnings_of_query(by_subscription, "    accept_potentially_dangerous_queries: true\n"),
      IsEmpty());
  EXPECT_THAT(warnings_of_query("SELECT * FROM t"), IsEmpty());
}

// What protects one query or branch does not protect another.
TEST(Warnings, EachBranchAndQueryByItself) {
  EXPECT_THAT(warnings_of_query("SELECT * FROM t WHERE id = subscription.parameter('id') OR "
                                "owner = auth.user_id()"),
              ElementsAre(HasSubstr("clients choose")));
  EXPECT_THAT(warnings_of("config: {edition: 3}\nstreams:\n  s:\n    queries:\n"
                          "      - SELECT * FROM t WHERE owner = auth.user_id()\n"
                          "      - SELECT * FROM t WHERE id = subscription.parameter('id')\n"),
              ElementsAre(HasSubstr("clients choose")));
}

TEST(Warnings, SyncRules) {
  const std::string rules =
      "bucket_definitions:\n  b:\n"
      "    parameters: SELECT request.parameters() ->> 'id' AS id\n"
      "    data: SELECT * FROM t WHERE id = bucket.id\n";
  EXPECT_THAT(warnings_of(rules),
              ElementsAre(HasSubstr("2 bucket definition \"b\" filters only by")));
  EXPECT_THAT(warnings_of(rules + "    accept_potentially_dangerous_queries: true\n"), IsEmpty());
  EXPECT_THAT(warnings_of("bucket_definitions:\n  b:\n"
                          "    parameters: SELECT request.user_id() AS id\n"
                          "    data: SELECT * FROM t WHERE id = bucket.id\n"),
              IsEmpty());
}

TEST(Warnings, BucketsWithoutBound) {
  EXPECT_THAT(
      warnings_of_query("SELECT * FROM t WHERE list IN (SELECT id FROM lists WHERE open = 1)"),
      ElementsAre(HasSubstr("4 each row of \"public.lists\" can give every client a bucket")));
  EXPECT_THAT(warnings_of_query("SELECT * FROM t WHERE list IN (SELECT id FROM lists WHERE owner ="
                                " auth.user_id())"),
              IsEmpty());
}

}  // namespace
}  // namespace brigade
