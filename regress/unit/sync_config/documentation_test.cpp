#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace brigade {
namespace {

const std::filesystem::path root = BRIGADE_SOURCE_DIR;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The literals of the argument after the first comma: the message of error(place, message, …).
class MessageReader {
 public:
  MessageReader(const std::string& source, size_t start) : source_(source), position_(start) {}

  std::vector<std::string> read() {
    while (position_ < source_.size() && depth_ >= 0 && commas_ < 2) take();
    return std::move(literals_);
  }

 private:
  void take() {
    const char c = source_[position_];
    if (c == '\'') {
      position_ += source_[position_ + 1] == '\\' ? 4 : 3;
      return;
    }
    if (c == '"') return take_literal();
    depth_ += c == '(' || c == '{' || c == '[' ? 1 : c == ')' || c == '}' || c == ']' ? -1 : 0;
    commas_ += c == ',' && depth_ == 0 ? 1 : 0;
    adjacent_ = adjacent_ && std::isspace(static_cast<unsigned char>(c)) != 0;
    position_++;
  }

  void take_literal() {
    std::string text;
    for (position_++; source_[position_] != '"'; position_++) {
      if (source_[position_] == '\\') position_++;
      text += source_[position_];
    }
    position_++;
    if (commas_ != 1) return;
    if (adjacent_) {
      literals_.back() += text;
    } else {
      literals_.push_back(text);
    }
    adjacent_ = true;
  }

  const std::string& source_;
  size_t position_;
  int depth_ = 0;
  int commas_ = 0;
  bool adjacent_ = false;  // to the literal before: both are one
  std::vector<std::string> literals_;
};

std::vector<std::string> messages_in(const std::string& source) {
  static const std::regex call(R"((QueryError|\berror|\berror_at|\bwarning)\()");
  std::vector<std::string> messages;
  for (std::sregex_iterator match(source.begin(), source.end(), call), end; match != end; ++match) {
    const size_t start = static_cast<size_t>(match->position() + match->length());
    for (std::string& literal : MessageReader(source, start).read()) {
      messages.push_back(std::move(literal));
    }
  }
  return messages;
}

// Parts of messages between names; shorter ones say nothing by themselves.
constexpr size_t part_length_min = 6;

TEST(Documentation, HasEveryErrorMessage) {
  const std::string text = read(root / "docs/sync-config.md");
  size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(root / "pg_extension/sync_config")) {
    if (file.path().extension() != ".cpp") continue;
    for (const std::string& message : messages_in(read(file.path()))) {
      if (message.size() < part_length_min) continue;
      count++;
      EXPECT_NE(text.find(message), std::string::npos)
          << file.path().filename() << ": docs/sync-config.md lacks \"" << message << '"';
    }
  }
  EXPECT_GT(count, 80U);
}

}  // namespace
}  // namespace brigade
