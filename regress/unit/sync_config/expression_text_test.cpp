#include "sync_config/expression_text.h"

#include <gtest/gtest.h>

#include "sync_config/compiler.h"

namespace brigade {
namespace {

// The first condition of a query, compiled, in words.
std::string filter_of(const std::string& condition) {
  const Compilation compilation =
      compile("config: {edition: 3}\nstreams:\n  s:\n    query: |\n      SELECT * FROM t WHERE " +
              condition);
  return readable_conditions(compilation.plan.value().definitions.at(0).filters);
}

TEST(ExpressionText, IsWrittenAsAPersonWould) {
  EXPECT_EQ(filter_of("done = 0"), "done = 0");
  EXPECT_EQ(filter_of("(a = 1 OR b = 2)"), "((a = 1) OR (b = 2))");
  EXPECT_EQ(filter_of("name = 'it''s (?1)'"), "name = 'it''s (?1)'");
  EXPECT_EQ(filter_of("a IS NULL AND b IN ('x', 'y')"), "(a IS NULL) AND (b IN ('x', 'y'))");
  EXPECT_EQ(filter_of("t.table_suffix() = 'x'"), "table_suffix() = 'x'");
}

TEST(ExpressionText, RequestParameters) {
  const auto step_of = [](const std::string& condition) {
    const Compilation compilation = compile(
        "config: {edition: 3}\nstreams:\n  s:\n    query: |\n"
        "      SELECT * FROM t WHERE " +
        condition);
    return readable(compilation.plan.value().streams.at(0).queriers.at(0).steps.at(0).expression);
  };
  EXPECT_EQ(step_of("auth.user_id() = 'x'"), "auth.user_id() = 'x'");
  EXPECT_EQ(step_of("auth.parameter('role') = 'x'"), "auth.parameter('role') = 'x'");
  EXPECT_EQ(step_of("subscription.parameters() = 'x'"), "subscription.parameters() = 'x'");
}

TEST(ExpressionText, Values) {
  const Compilation compilation = compile(
      "config: {edition: 3}\nstreams:\n  s:\n    query: |\n"
      "      SELECT * FROM t WHERE auth.user_id() IN owners AND part = "
      "connection.parameter('part')");
  const Definition& source = compilation.plan.value().definitions.at(0);
  EXPECT_EQ(readable_values(source.key, {"\"u\"", "1"}),
            "an element of owners = \"u\" AND part = 1");
}

}  // namespace
}  // namespace brigade
