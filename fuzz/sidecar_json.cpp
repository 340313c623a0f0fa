#include <algorithm>
#include <cstdint>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "promise.h"
#include "storage/json_cursor.h"
#include "targets.h"

namespace brigade::fuzz {

using namespace brigade::sidecar;
using Json = nlohmann::json;

namespace {

constexpr int depth_max = 64;

bool stands_at(JsonCursor cursor, char wanted) { return cursor.take(wanted); }

bool is_int64(const Json& value) {
  return value.is_number_unsigned() ? value.get<uint64_t>() <= INT64_MAX
                                    : value.is_number_integer();
}

Json read_scalar(JsonCursor& cursor) {
  JsonCursor again = cursor;
  Json value = cursor.value();
  if (is_int64(value)) {
    require(again.number() == value.get<int64_t>(), "a number is what a parser makes of it");
  }
  return value;
}

/// Whatever stands there, by the call that fits it.
Json read_any(JsonCursor& cursor, int depth) {
  if (depth == depth_max) return cursor.value();
  if (stands_at(cursor, '"')) return cursor.string();
  if (stands_at(cursor, '[')) {
    Json list = Json::array();
    cursor.for_each_element([&] { list.push_back(read_any(cursor, depth + 1)); });
    return list;
  }
  if (!cursor.take('{')) return read_scalar(cursor);
  Json object = Json::object();
  if (cursor.take('}')) return object;
  do {
    std::string key = cursor.string();
    cursor.expect(':');
    object[key] = read_any(cursor, depth + 1);
  } while (cursor.take(','));
  cursor.expect('}');
  return object;
}

/// The input without what the cursor does not look at, nor does a parser of what stands alone.
std::string cleaned(std::string_view input) {
  std::string text(input);
  for (size_t at; (at = text.find("\xef\xbb\xbf")) != std::string::npos;)
    text.replace(at, 3, "   ");
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; }, 'x');
  return text;
}

}  // namespace

void sidecar_json(std::string_view input) {
  constexpr char end_mark = '\x7f';
  constexpr char parsers_end = '\0';  // The parser looks no further; Postgres cannot send it.
  if (input.find(end_mark) != std::string_view::npos) return;
  if (input.find(parsers_end) != std::string_view::npos) return;
  Json parsed = Json::parse(input, nullptr, false);
  // A value ends where something stands after it: here, the end of an object around it.
  std::string text = std::string(input) + '}' + end_mark;
  JsonCursor cursor(text);
  try {
    Json read = read_any(cursor, 0);
    bool whole = cursor.take('}') && cursor.take(end_mark);
    if (!parsed.is_discarded()) require(whole && read == parsed, "JSON is read as what it is");
    if (whole) require(Json::accept(cleaned(input)), "no other text is gone through");
  } catch (const std::exception&) {
    require(parsed.is_discarded(), "JSON is read without an error");
  }
}

}  // namespace brigade::fuzz
