#include "evaluator/value_text.h"

#include <charconv>
#include <cmath>

#include "sync_config/json_text.h"

namespace brigade {

namespace {

// Integers up to here are exact as reals, so that 2^53 as a real is surely the same as the integer.
constexpr double exact_integer_max = 9007199254740992.0;

void append_integer(std::string& target, int64_t value) {
  char text[24];
  target.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

}  // namespace

void append_json_value(std::string& target, const Value& value) {
  switch (value.kind) {
    case ValueKind::integer:
      return append_integer(target, value.integer);
    case ValueKind::real:
      return append_json_real(target, value.real);
    case ValueKind::text:
      return append_json_string(target, value.view());
    default:
      target.append("null");
  }
}

bool append_key_value(std::string& target, const Value& value) {
  switch (value.kind) {
    case ValueKind::integer:
    case ValueKind::text:
      append_json_value(target, value);
      return true;
    case ValueKind::real:
      if (std::isnan(value.real)) return false;
      if (std::trunc(value.real) == value.real && std::fabs(value.real) <= exact_integer_max) {
        append_integer(target, static_cast<int64_t>(value.real));
      } else {
        append_json_real(target, value.real);
      }
      return true;
    default:
      return false;
  }
}

std::vector<std::string_view> split_key(std::string_view key) {
  std::vector<std::string_view> elements;
  bool in_string = false;
  size_t start = 1;
  for (size_t i = 1; i < key.size(); i++) {
    const char c = key[i];
    if (in_string) {
      if (c == '\\') i++;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == ',' || c == ']') {
      if (i > start) elements.push_back(key.substr(start, i - start));
      start = i + 1;
    }
  }
  return elements;
}

std::string id_text(const Value& value) {
  if (value.kind == ValueKind::text) return std::string(value.view());
  std::string text;
  append_json_value(text, value);
  return text;
}

}  // namespace brigade
