#include "storage/json_cursor.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace brigade::sidecar {

using Json = nlohmann::json;

void JsonCursor::fail(const std::string& expected) const {
  throw std::runtime_error(expected + " expected at byte " + std::to_string(at_));
}

void JsonCursor::skip_blanks() {
  while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) <= ' ') at_++;
}

bool JsonCursor::take(char wanted) {
  skip_blanks();
  if (at_ == text_.size() || text_[at_] != wanted) return false;
  at_++;
  return true;
}

void JsonCursor::expect(char wanted) {
  if (!take(wanted)) fail(std::string(1, wanted));
}

int64_t JsonCursor::number() {
  skip_blanks();
  int64_t number = 0;
  const char* start = text_.data() + at_;
  auto [end, error] = std::from_chars(start, text_.data() + text_.size(), number);
  if (error != std::errc()) fail("an integer");
  at_ += static_cast<size_t>(end - start);
  return number;
}

void JsonCursor::skip_string() {
  expect('"');
  while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
  at_ = std::min(at_, text_.size());
  expect('"');
}

std::string JsonCursor::string() {
  skip_blanks();
  size_t start = at_;
  skip_string();
  std::string_view quoted = text_.substr(start, at_ - start);
  std::string_view rest = quoted.substr(1, quoted.size() - 2);
  std::string plain;
  plain.reserve(rest.size());
  for (size_t clean; (clean = rest.find('\\')) != std::string_view::npos;) {
    char escaped = rest[clean + 1];
    if (escaped != '"' && escaped != '\\') return Json::parse(quoted);
    plain.append(rest, 0, clean);
    plain += escaped;
    rest.remove_prefix(clean + 2);
  }
  return plain.append(rest);
}

/// Finds the end; what is before it is for a parser to judge.
void JsonCursor::skip_value() {
  size_t depth = 0;
  while (true) {
    at_ = std::min(text_.find_first_of("\"[]{},", at_), text_.size());
    if (at_ == text_.size()) fail("the end of a value");
    char c = text_[at_];
    bool closes = c == ']' || c == '}';
    if (depth == 0 && (c == ',' || closes)) return;
    if (c == '"') {
      skip_string();
      continue;
    }
    if (c == '[' || c == '{') depth++;
    if (closes) depth--;
    at_++;
  }
}

Json JsonCursor::value() {
  size_t start = at_;
  skip_value();
  return Json::parse(text_.substr(start, at_ - start));
}

}  // namespace brigade::sidecar
