#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <nlohmann/json.hpp>

#include "metrics/log.h"
#include "metrics/log_buffer.h"
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

/// A pipe, and what was written into it.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe(ends_.data()), 0); }
  ~Pipe() {
    for (int end : ends_) close(end);
  }
  int writing_end() const { return ends_[1]; }
  std::string read_some() {
    std::string text(1 << 20, '\0');
    ssize_t size = read(ends_[0], text.data(), text.size());
    text.resize(size < 0 ? 0 : static_cast<size_t>(size));
    return text;
  }
  void stop_reading() { close(std::exchange(ends_[0], dup(ends_[1]))); }

 private:
  std::array<int, 2> ends_{};
};

TEST(LogBuffer, KeepsWhatAPipeDoesNotTake) {
  Pipe pipe;
  LogBuffer buffer(pipe.writing_end(), 1 << 20);
  std::string written;
  for (int i = 0; written.size() < 500'000; i++) {  // A pipe takes 64 KiB.
    std::string line = std::to_string(i) + std::string(99, '.') + "\n";
    EXPECT_TRUE(buffer.write(line));
    written += line;
  }
  std::string read;
  while (read.size() < written.size()) {
    read += pipe.read_some();
    buffer.flush();
  }
  EXPECT_EQ(read, written);
}

TEST(LogBuffer, LosesWholeLinesBeyondItsLimit) {
  Pipe pipe;
  LogBuffer buffer(pipe.writing_end(), 10'000);
  std::string line = std::string(999, 'x') + "\n";
  size_t taken = 0;
  while (buffer.write(line)) taken++;
  EXPECT_GE(taken, 10U);
  EXPECT_FALSE(buffer.write(line));
  std::string read;
  while (read.size() < taken * line.size()) {
    read += pipe.read_some();
    buffer.flush();
  }
  EXPECT_EQ(read.size(), taken * line.size());
  EXPECT_TRUE(buffer.write(line));
  EXPECT_EQ(pipe.read_some(), line);
}

TEST(LogBuffer, ForgetsWhatNobodyCanRead) {
  Pipe pipe;
  std::signal(SIGPIPE, SIG_IGN);
  LogBuffer buffer(pipe.writing_end(), 1000);
  pipe.stop_reading();
  for (int i = 0; i < 100; i++) EXPECT_TRUE(buffer.write(std::string(99, 'x') + "\n"));
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
