#include "world.h"

namespace brigade {
namespace {

// What `expression` gives for a row with the column x, as JSON; or the row's error.
std::string evaluate(const std::string& expression, const nlohmann::ordered_json& x,
                     const std::string& options = "edition: 3") {
  World world("config: {" + options + "}\nstreams:\n  s:\n    query: |\n      SELECT id, " +
              expression + " AS r FROM t\n");
  world.add("t", {{"id", "1"}, {"x", x}});
  if (!world.errors.empty()) return "error: " + world.errors[0];
  const std::string& data = world.data.at(0);
  const std::string start = R"({"id":"1","r":)";
  EXPECT_TRUE(data.starts_with(start)) << data;
  return data.substr(start.size(), data.size() - start.size() - 1);
}

struct Case {
  const char* expression;
  nlohmann::ordered_json x;
  const char* result;
};

class Functions : public testing::TestWithParam<Case> {};

TEST_P(Functions, Give) {
  EXPECT_EQ(evaluate(GetParam().expression, GetParam().x), GetParam().result)
      << GetParam().expression;
}

INSTANTIATE_TEST_SUITE_P(
    Text, Functions,
    testing::Values(Case{"upper(x)", "abc", R"("ABC")"}, Case{"lower(x)", "ABC", R"("abc")"},
                    Case{"substring(x, 1, 10)", "2024-01-02T03:04", R"("2024-01-02")"},
                    Case{"substr(x, 2)", "h\u00e9llo", "\"\u00e9llo\""},
                    Case{"instr(x, '|')", "ab|c", "3"}, Case{"hex(x)", "AZ", R"("415A")"},
                    Case{"base64(x)", "hello", R"("aGVsbG8=")"}, Case{"base64(x)", nullptr, "null"},
                    Case{"length(x)", "h\u00e9llo", "5"}, Case{"length(x)", 123, "3"},
                    Case{"typeof(x)", 1.5, R"("real")"}, Case{"ifnull(x, 'y')", nullptr, R"("y")"},
                    Case{"iif(x > 1, 'a', 'b')", 2, R"("a")"},
                    Case{"x || '-' || x", "a", R"("a-a")"},
                    Case{"hex(uuid_blob(x))", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                         R"("A0EEBC999C0B4EF8BB6D6BB9BD380A11")"},
                    Case{"uuid_blob(x)", "no uuid", "null"}, Case{"upper(x)", nullptr, "null"},
                    Case{"lower(x)", 1.5, R"("1.5")"}, Case{"instr(x, '|')", "abc", "0"},
                    Case{"substring(x, 1, instr(x, '|') - 1)", "ab|c", R"("ab")"},
                    Case{"length(x)", nullptr, "null"}, Case{"length(x)", 1.5, "3"},
                    Case{"ifnull(x, 'y')", 0, "0"}, Case{"iif(x > 1, 'a', 'b')", 1, R"("b")"},
                    Case{"coalesce(x, NULL, 7)", nullptr, "7"}));

constexpr const char* uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

INSTANTIATE_TEST_SUITE_P(
    Types, Functions,
    testing::Values(Case{"typeof(x)", nullptr, R"("null")"}, Case{"typeof(x)", 1, R"("integer")"},
                    Case{"typeof(x)", "1", R"("text")"},
                    Case{"typeof(uuid_blob(x))", uuid, R"("blob")"},
                    Case{"length(uuid_blob(x))", uuid, "16"},
                    Case{"base64(uuid_blob(x))", uuid, R"("oO68mZwLTvi7bWu5vTgKEQ==")"},
                    Case{"CAST(x AS text)", 1.5, R"("1.5")"}, Case{"x::integer", "12abc", "12"},
                    Case{"x::real", "1.5", "1.5"}, Case{"x::numeric", "12", "12"},
                    Case{"hex(x::blob)", "a", R"("61")"}));

INSTANTIATE_TEST_SUITE_P(
    Json, Functions,
    testing::Values(Case{"x ->> 'a'", R"({"a":{"b":1}})", R"("{\"b\":1}")"},
                    Case{"x -> 'a'", R"({"a":"t"})", R"("\"t\"")"},
                    Case{"x ->> 0", R"([7,8])", "7"},
                    Case{"x ->> '$.a.b'", R"({"a":{"b":2}})", "2"},
                    Case{"x ->> 'a.b'", R"({"a.b":1,"a":{"b":2}})", "1"},
                    Case{"x -> 'a.b'", R"({"a.b":"t"})", R"("\"t\"")"},
                    Case{"x ->> '2fa'", R"({"2fa":3})", "3"},
                    Case{"x ->> 'a b'", R"({"a b":4})", "4"}, Case{"x ->> ''", R"({"":5})", "5"},
                    Case{"x ->> '[1]'", "[6,7]", "7"}, Case{"x ->> '$[#-1]'", "[6,7,8]", "8"},
                    Case{"x ->> '$.\"a.b\".c'", R"({"a.b":{"c":9}})", "9"},
                    Case{"json_extract(x, 'a.b')", R"({"a.b":1,"a":{"b":2}})", "1"},
                    Case{"json_extract(x, 1)", "[6,7]", "7"},
                    Case{"json_array_length(x, '$.a')", R"({"a":[1,2]})", "2"},
                    Case{"json_extract(x, '$.a')", R"({"a":true})", "1"},
                    Case{"json_array_length(x)", "[1,2]", "2"},
                    Case{"json_array_length(x)", R"({"a":1})", "0"},
                    Case{"json_array_length(x)", nullptr, "null"}, Case{"json_valid(x)", "{}", "1"},
                    Case{"json_valid(x)", "{", "0"}, Case{"json_keys(x)", nullptr, "null"},
                    Case{"json_keys(x)", R"({"b":1,"a":2})", R"("[\"b\",\"a\"]")"}));

// Without the fix a path is split at its dots, unless it starts with $.
TEST(JsonPaths, AreSplitWithoutTheFix) {
  const char* const both = R"({"a.b":1,"a":{"b":2}})";
  const char* const dotted = R"({"a.b":1})";
  for (const char* options : {"edition: 1", "edition: 3, fixed_json_extract: false"}) {
    EXPECT_EQ(evaluate("x ->> 'a.b'", both, options), "2") << options;
    EXPECT_EQ(evaluate("x -> 'a.b'", both, options), "\"2\"") << options;
    EXPECT_EQ(evaluate("json_extract(x, 'a.b')", both, options), "2") << options;
    EXPECT_EQ(evaluate("json_extract(x, 'a.b')", dotted, options), "null") << options;
    EXPECT_EQ(evaluate("x ->> '$.\"a.b\"'", both, options), "1") << options;
    EXPECT_EQ(evaluate("x ->> '$.a.b'", both, options), "2") << options;
  }
  for (const char* options : {"edition: 2", "edition: 3", "edition: 1, fixed_json_extract: true"}) {
    EXPECT_EQ(evaluate("x ->> 'a.b'", both, options), "1") << options;
    EXPECT_EQ(evaluate("json_extract(x, 'a.b')", dotted, options), "1") << options;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Time, Functions,
    testing::Values(
        Case{"unixepoch(x)", "2024-02-29T13:14:15.123456Z", "1709212455"},
        Case{"unixepoch(x, 'subsec')", "2024-02-29T13:14:15.123Z", "1709212455.123"},
        Case{"unixepoch(x, 'subsec')", "1969-12-31 23:59:59.250", "-0.75"},
        Case{"unixepoch(x)", "now", "null"}, Case{"unixepoch(x)", "no time", "null"},
        Case{"unixepoch(x)", nullptr, "null"},
        Case{"datetime(x)", "2024-02-29T13:14:15.123456Z", R"("2024-02-29 13:14:15")"},
        Case{"datetime(x, 'subsec')", "2024-02-29T13:14:15.123Z", R"("2024-02-29 13:14:15.123")"},
        Case{"datetime(x, 'unixepoch')", 1709212455, R"("2024-02-29 13:14:15")"},
        Case{"datetime(x, 'unixepoch', 'subsec')", 1709212455.5, R"("2024-02-29 13:14:15.500")"},
        Case{"datetime(x, '+1 day')", "2024-02-28", R"("2024-02-29 00:00:00")"}));

TEST(Expressions, LongChainsOfOperators) {
  std::string sum = "x";
  for (int i = 0; i < 399; i++) sum += " + x";
  EXPECT_EQ(evaluate(sum, 1), "400");
  EXPECT_EQ(evaluate("10 - x - x - (x - x)", 1), "8");
}

// As PostGIS shows a geometry: SRID=4326;POINT(1 2.5), SRID=4326;POINT Z (1 2 3), a line.
constexpr const char* point = "0101000020E6100000000000000000F03F0000000000000440";
constexpr const char* point_z =
    "01010000A0E6100000000000000000F03F00000000000000400000000000000840";
constexpr const char* infinite_point = "0101000000000000000000F07F0000000000000440";
constexpr const char* line =
    "01020000000200000000000000000000000000000000000000000000000000F03F000000000000F03F";

INSTANTIATE_TEST_SUITE_P(
    Geometry, Functions,
    testing::Values(Case{"st_x(x)", point, "1.0"}, Case{"ST_Y(x)", point, "2.5"},
                    Case{"st_x(x)", line, "null"}, Case{"st_x(x)", nullptr, "null"},
                    Case{"st_astext(x)", point, "\"POINT(1 2.5)\""},
                    Case{"st_astext(x)", point_z, "\"POINT Z (1 2 3)\""},
                    Case{"st_astext(x)", line, "\"LINESTRING(0 0,1 1)\""},
                    Case{"st_asgeojson(x)", point,
                         R"("{\"type\":\"Point\",\"coordinates\":[1,2.5]}")"},
                    Case{"st_asgeojson(x)", infinite_point,
                         R"("{\"type\":\"Point\",\"coordinates\":[null,2.5]}")"},
                    Case{"st_asgeojson(x) ->> '$.coordinates[0]'", point_z, "1"},
                    Case{"st_asgeojson(x) ->> 'coordinates'", line, R"("[[0,0],[1,1]]")"},
                    Case{"st_astext(x)",
                         "0106000000010000000103000000010000000400000000000000000000000000000000"
                         "000000000000000000F03F0000000000000000000000000000F03F000000000000F03F"
                         "00000000000000000000000000000000",
                         "\"MULTIPOLYGON(((0 0,1 0,1 1,0 0)))\""},
                    Case{"st_astext(x)", "010700000000000000", R"("GEOMETRYCOLLECTION EMPTY")"},
                    Case{"st_x(x)", "0101", "error: the value is not a PostGIS geometry"},
                    Case{"st_x(x)", "text", "error: the value is not a PostGIS geometry"}));

}  // namespace
}  // namespace brigade
