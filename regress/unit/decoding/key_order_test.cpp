#include "decoding/key_order.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace brigade {
namespace {

std::optional<uint32_t> order(int64_t key) { return key_order(Value::of_integer(key)); }
std::optional<uint32_t> order(std::string_view key) { return key_order(Value::of_text(key)); }

template <typename Key>
void expect_ascending(const std::vector<Key>& keys) {
  for (size_t i = 1; i < keys.size(); i++) {
    ASSERT_TRUE(order(keys[i])) << keys[i];
    EXPECT_LT(order(keys[i - 1]), order(keys[i])) << keys[i];
  }
}

TEST(KeyOrder, SequencesAscendHoweverFarTheyAre) {
  expect_ascending<int64_t>({0, 1, 2, 255, 256, 16'000'000, 16'000'001});
  // Beyond 2^24, neighbours share their place.
  expect_ascending<int64_t>({5'000'000'000, 5'000'001'000, 5'000'002'000});
  EXPECT_EQ(order(5'000'000'000), order(5'000'000'001));
  // A millisecond in the upper bits: these are three minutes apart.
  expect_ascending<int64_t>({1795310207000 << 22, 1795310387000 << 22, 1795310567000 << 22});
  EXPECT_LT(order(4'000'000'000'000'000'000), order(INT64_MAX));
}

TEST(KeyOrder, TextsThatBeginWithTheTimeAscend) {
  // UUIDs of version 7, two minutes apart.
  expect_ascending<std::string_view>({"01a20200-1f00-7abc-8000-000000000000",
                                      "01a20202-1f00-7abc-8000-000000000000",
                                      "01a20204-1f00-7abc-8000-000000000000"});
  // ULIDs, 17 minutes apart.
  expect_ascending<std::string_view>(
      {"01M0H9ZZZZ0000000000000000", "01M0HA00000000000000000000", "01M0HB00000000000000000000"});
  // Object ids of documents, in seconds.
  expect_ascending<std::string_view>({"6b02dfff1c9d440000000000", "6b02e0001c9d440000000000"});
}

TEST(KeyOrder, OthersHaveNone) {
  for (const std::string_view key :
       {"", "1234567", "list-17", "customer", "0x123456", "-1234567"}) {
    EXPECT_EQ(order(key), std::nullopt) << key;
  }
  EXPECT_EQ(order("not a ULID, yet as long as"), std::nullopt);
  EXPECT_EQ(key_order(Value::null()), std::nullopt);
  EXPECT_EQ(key_order(Value::of_real(1.5)), std::nullopt);
  EXPECT_EQ(key_order(Value::of_blob("\1\2\3\4\5\6\7\7")), std::nullopt);
}

}  // namespace
}  // namespace brigade
