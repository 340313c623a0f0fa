#include "protocol/json_writer.h"

#include <array>
#include <charconv>

namespace brigade::sidecar {

namespace {

/// What follows the backslash for a character: 0 = not escaped, 'u' = \u00XX.
constexpr std::array<char, 256> escapes = [] {
  std::array<char, 256> table{};
  for (int c = 0; c < 0x20; c++) table[static_cast<size_t>(c)] = 'u';
  table['\b'] = 'b';
  table['\t'] = 't';
  table['\n'] = 'n';
  table['\f'] = 'f';
  table['\r'] = 'r';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}();

void append_escape(std::string& out, unsigned char c, char escape) {
  static constexpr char digits[] = "0123456789abcdef";
  out += '\\';
  out += escape;
  if (escape != 'u') return;
  out += "00";
  out += digits[c >> 4];
  out += digits[c & 15];
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  size_t clean_from = 0;
  for (size_t i = 0; i < text.size(); i++) {
    auto c = static_cast<unsigned char>(text[i]);
    char escape = escapes[c];
    if (escape == 0) continue;
    out.append(text, clean_from, i - clean_from);
    append_escape(out, c, escape);
    clean_from = i + 1;
  }
  out.append(text, clean_from);
  out += '"';
}

void JsonWriter::begin_member(std::string_view key) {
  char last = out_.back();
  if (last != '{' && last != '[') out_ += ',';
  if (key.empty()) return;
  out_ += '"';
  out_ += key;
  out_ += "\":";
}

void JsonWriter::open(std::string_view key, char bracket) {
  begin_member(key);
  out_ += bracket;
}

void JsonWriter::string(std::string_view key, std::string_view value) {
  begin_member(key);
  append_json_string(out_, value);
}

void JsonWriter::number(std::string_view key, int64_t value) {
  begin_member(key);
  std::array<char, 24> digits;
  char* end = std::to_chars(digits.begin(), digits.end(), value).ptr;
  out_.append(digits.data(), end);
}

void JsonWriter::boolean(std::string_view key, bool value) { raw(key, value ? "true" : "false"); }

void JsonWriter::null(std::string_view key) { raw(key, "null"); }

void JsonWriter::raw(std::string_view key, std::string_view json) {
  begin_member(key);
  out_ += json;
}

}  // namespace brigade::sidecar
