#include "world.h"

namespace brigade {
namespace {

const std::vector<std::string> columns = {"id", "part", "owner", "note"};

struct Case {
  std::string query;
  std::vector<bool> by_id;  // for each definition: whether the column id alone locates a row
  std::vector<bool> by_id_and_part;
};

class Location : public testing::TestWithParam<Case> {};

TEST_P(Location, depends_on_columns_of_conditions_buckets_and_ids) {
  const World world("config: {edition: 3}\nstreams:\n  s: {query: \"" + GetParam().query + "\"}");
  const TableEvaluator evaluator(world.plan, "public", "t", columns);
  const auto located_by = [&](const std::vector<bool>& known) {
    std::vector<bool> located;
    for (const uint32_t definition : evaluator.definitions()) {
      located.push_back(evaluator.is_located_by(known, definition));
    }
    return located;
  };
  EXPECT_EQ(located_by({true, false, false, false}), GetParam().by_id);
  EXPECT_EQ(located_by({true, true, false, false}), GetParam().by_id_and_part);
}

INSTANTIATE_TEST_SUITE_P(
    Queries, Location,
    testing::Values(
        Case{"SELECT * FROM t", {true}, {true}}, Case{"SELECT id, note FROM t", {true}, {true}},
        Case{"SELECT *, part AS id FROM t", {false}, {true}},
        Case{"SELECT part AS id, * FROM t", {true}, {true}},
        Case{"SELECT id || part AS id, upper(note) AS note FROM t", {false}, {true}},
        Case{"SELECT * FROM t WHERE id = auth.user_id()", {true}, {true}},
        Case{"SELECT * FROM t WHERE owner = auth.user_id()", {false}, {false}},
        Case{"SELECT * FROM t WHERE part = auth.user_id()", {false}, {true}},
        Case{"SELECT * FROM t WHERE upper(part) > 'A'", {false}, {true}},
        Case{"SELECT * FROM t WHERE auth.user_id() IN part", {false}, {true}},
        Case{"SELECT * FROM t WHERE added IS NULL", {false}, {false}},
        Case{"SELECT * FROM other WHERE id IN (SELECT id FROM t WHERE part = auth.user_id())",
             {false},
             {true}},
        Case{"SELECT * FROM other WHERE id IN (SELECT owner FROM t WHERE part = auth.user_id())",
             {false},
             {false}}));

RowEffects locate(const World& world, const Value& note) {
  const TableEvaluator evaluator(world.plan, "public", "t", columns);
  const std::vector<Value> row = {Value::of_integer(7), Value::of_text("p"), Value::null(), note};
  RowEffects effects;
  evaluator.locate(row, evaluator.definitions(), effects);
  return effects;
}

TEST(Locate, tells_id_and_buckets_without_data) {
  const World world(
      "config: {edition: 3}\nstreams:\n  s: {query: \"SELECT * FROM t WHERE part = "
      "auth.user_id()\"}");
  const RowEffects effects = locate(world, Value::null());
  ASSERT_EQ(effects.outputs.size(), 1U);
  EXPECT_EQ(effects.outputs[0].object_type, "t");
  EXPECT_EQ(effects.outputs[0].object_id, "7");
  EXPECT_EQ(effects.outputs[0].parameters, std::vector<std::string>{"[\"p\"]"});
  EXPECT_EQ(effects.outputs[0].data, "");
}

TEST(Locate, does_not_notice_data_that_cannot_be_rendered) {
  const World world(
      "config: {edition: 3}\nstreams:\n  s: {query: \"SELECT id, note ->> '$.a' AS a FROM t\"}");
  const Value note = Value::of_text("no JSON");
  const RowEffects effects = locate(world, note);
  EXPECT_EQ(effects.outputs.size(), 1U);
  EXPECT_TRUE(effects.errors.empty());
}

}  // namespace
}  // namespace brigade
