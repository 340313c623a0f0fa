#include "sync_config/json_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>

namespace brigade {
namespace {

std::string real(double value) {
  std::string text;
  append_json_real(text, value);
  return text;
}

std::string quoted(std::string_view value) {
  std::string text;
  append_json_string(text, value);
  return text;
}

TEST(JsonText, RealsThatLookLikeIntegersEndInPointZero) {
  EXPECT_EQ(real(1), "1.0");
  EXPECT_EQ(real(-100), "-100.0");
  EXPECT_EQ(real(123456789012345678), "123456789012345680.0");
  EXPECT_EQ(real(1e20), "100000000000000000000.0");
}

TEST(JsonText, RealsUseAnExponentFrom1e21AndBelow1e_6) {
  EXPECT_EQ(real(1e21), "1e+21");
  EXPECT_EQ(real(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(real(-1e300), "-1e+300");
  EXPECT_EQ(real(1e-5), "0.00001");
  EXPECT_EQ(real(1e-6), "0.000001");
  EXPECT_EQ(real(1e-7), "1e-7");
  EXPECT_EQ(real(5e-324), "5e-324");
}

TEST(JsonText, RealsHaveTheShortestDigits) {
  EXPECT_EQ(real(0.1), "0.1");
  EXPECT_EQ(real(1234567.875), "1234567.875");
  EXPECT_EQ(real(0.1 + 0.2), "0.30000000000000004");
}

TEST(JsonText, ZeroHasNoSign) {
  EXPECT_EQ(real(0.0), "0.0");
  EXPECT_EQ(real(-0.0), "0.0");
}

TEST(JsonText, RealsJsonDoesNotKnow) {
  EXPECT_EQ(real(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(real(std::numeric_limits<double>::infinity()), "9e999");
  EXPECT_EQ(real(-std::numeric_limits<double>::infinity()), "-9e999");
}

TEST(JsonText, EveryFiniteRealReadsBackAsItself) {
  std::mt19937_64 random(20240229);
  for (int i = 0; i < 100000; i++) {
    const uint64_t bits = random();
    double value;
    static_assert(sizeof(value) == sizeof(bits));
    memcpy(&value, &bits, sizeof(value));
    if (!std::isfinite(value)) continue;
    const std::string text = real(value);
    ASSERT_LT(text.size(), real_text_size_max);
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
  }
}

TEST(JsonText, StringsEscapeOnlyWhatTheyMust) {
  EXPECT_EQ(quoted(""), "\"\"");
  EXPECT_EQ(quoted("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
  EXPECT_EQ(quoted("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
  EXPECT_EQ(quoted(std::string_view("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(quoted("héllo 😀\u2028"), "\"héllo 😀\u2028\"");
}

// Texts are searched eight characters at a time.
TEST(JsonText, AnyCharacterIsEscapedWhereverItStands) {
  for (size_t size = 1; size <= 24; size++) {
    for (size_t position = 0; position < size; position++) {
      for (int character = 0; character < 256; character++) {
        std::string text(size, '\xff');
        text[position] = static_cast<char>(character);
        const bool escaped = character < 0x20 || character == '"' || character == '\\';
        EXPECT_EQ(find_json_escape(text, 0), escaped ? position : size) << character;
      }
    }
  }
}

}  // namespace
}  // namespace brigade
