#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "metrics/log.h"
#include "protocol/utf8.h"

namespace brigade::sidecar {
namespace {

/// What a log in `format` says of an event with a client's values.
std::string written(const std::string& format) {
  testing::internal::CaptureStderr();
  set_up_log("info", format);
  LogEvent("stream started")
      .with("user", "anna")
      .with("client", "a\nb \"c\"")
      .with("sdk", "x\xff")
      .with("operations", 7)
      .with("empty", "")
      .write();
  std::string text = testing::internal::GetCapturedStderr();
  set_up_log("error", "text");
  return text;
}

TEST(LogEvent, IsOneLineWhateverAClientSent) {
  EXPECT_EQ(
      written("text").substr(24),
      " info stream started user=anna client=\"a\\nb \\\"c\\\"\" sdk=x? operations=7 empty=\"\"\n");
}

TEST(LogEvent, HasItsFactsAsMembersInJson) {
  auto line = nlohmann::json::parse(written("json"));
  EXPECT_EQ(line["message"], "stream started");
  EXPECT_EQ(line["client"], "a\nb \"c\"");
  EXPECT_EQ(line["sdk"], "x?");
  EXPECT_EQ(line["operations"], 7);
  EXPECT_EQ(line["level"], "info");
}

TEST(StorableText, IsUtf8WithoutNul) {
  for (const char* text : {"", "a", "ä", "€", "😀", "\x7f", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_storable_text(text)) << text;
  }
  for (const char* text :
       {"\x80", "\xc3", "a\xff", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80", "\xe2\x82", "\xc3(", "\xfe"}) {
    EXPECT_FALSE(is_storable_text(text)) << text;
  }
  EXPECT_FALSE(is_storable_text({"a\0b", 3}));
}

}  // namespace
}  // namespace brigade::sidecar
