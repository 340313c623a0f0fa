#include "evaluator/sqlite_functions.h"

#include <sqlite3.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "evaluator/geometry.h"
#include "evaluator/time_functions.h"

namespace brigade {

namespace {

std::string_view bytes_of(sqlite3_value* value) {
  const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
  return {bytes, static_cast<size_t>(sqlite3_value_bytes(value))};
}

void return_text(sqlite3_context* context, const std::string& text) {
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

bool is_null(sqlite3_value* value) { return sqlite3_value_type(value) == SQLITE_NULL; }

std::string encode_base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; j++) {
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0);
    }
    for (size_t j = 0; j < 4; j++) {
      text += j <= count ? digits[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

void base64(sqlite3_context* context, int, sqlite3_value** arguments) {
  if (!is_null(arguments[0])) return_text(context, encode_base64(bytes_of(arguments[0])));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// 32 hex digits, dashes anywhere between them; null for anything else.
void uuid_blob(sqlite3_context* context, int, sqlite3_value** arguments) {
  if (is_null(arguments[0])) return;
  std::string blob;
  int high = -1;
  for (const char c : bytes_of(arguments[0])) {
    if (c == '-') continue;
    const int digit = hex_digit(c);
    if (digit < 0) return;
    if (high < 0) {
      high = digit;
    } else {
      blob += static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  if (blob.size() != 16 || high >= 0) return;
  sqlite3_result_blob(context, blob.data(), static_cast<int>(blob.size()), SQLITE_TRANSIENT);
}

void json_keys(sqlite3_context* context, int, sqlite3_value** arguments) {
  if (is_null(arguments[0])) return;
  const auto object =
      nlohmann::ordered_json::parse(bytes_of(arguments[0]), nullptr, /*exceptions=*/false);
  if (!object.is_object()) {
    sqlite3_result_error(context, "json_keys() needs a JSON object", -1);
    return;
  }
  auto keys = nlohmann::json::array();
  for (const auto& entry : object.items()) keys.push_back(entry.key());
  return_text(context, keys.dump());
}

// Null for null; an error for what is no geometry.
std::optional<Geometry> geometry_of(sqlite3_context* context, sqlite3_value* value) {
  if (is_null(value)) return std::nullopt;
  std::optional<Geometry> geometry = parse_geometry(bytes_of(value));
  if (!geometry) sqlite3_result_error(context, "the value is not a PostGIS geometry", -1);
  return geometry;
}

void st_asgeojson(sqlite3_context* context, int, sqlite3_value** arguments) {
  const std::optional<Geometry> geometry = geometry_of(context, arguments[0]);
  if (geometry) return_text(context, geo_json(*geometry));
}

void st_astext(sqlite3_context* context, int, sqlite3_value** arguments) {
  const std::optional<Geometry> geometry = geometry_of(context, arguments[0]);
  if (geometry) return_text(context, well_known_text(*geometry));
}

// A coordinate of a point; null for other geometries.
template <size_t coordinate>
void st_coordinate(sqlite3_context* context, int, sqlite3_value** arguments) {
  const std::optional<Geometry> geometry = geometry_of(context, arguments[0]);
  if (!geometry || geometry->type != Geometry::Type::point || geometry->empty()) return;
  sqlite3_result_double(context, geometry->rings.front().front()[coordinate]);
}

using Implementation = void (*)(sqlite3_context*, int, sqlite3_value**);

// An exception must not pass through SQLite's C frames.
template <Implementation function>
void guarded(sqlite3_context* context, int count, sqlite3_value** arguments) {
  try {
    function(context, count, arguments);
  } catch (const std::exception& exception) {
    sqlite3_result_error(context, exception.what(), -1);
  }
}

void add(sqlite3* connection, const char* name, Implementation function) {
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  if (sqlite3_create_function(connection, name, 1, flags, nullptr, function, nullptr, nullptr) !=
      SQLITE_OK) {
    throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(connection));
  }
}

}  // namespace

void register_functions(sqlite3* connection) {
  add(connection, "base64", guarded<base64>);
  add(connection, "uuid_blob", guarded<uuid_blob>);
  add(connection, "json_keys", guarded<json_keys>);
  add(connection, "st_asgeojson", guarded<st_asgeojson>);
  add(connection, "st_astext", guarded<st_astext>);
  add(connection, "st_x", guarded<st_coordinate<0>>);
  add(connection, "st_y", guarded<st_coordinate<1>>);
  register_time_functions(connection);
}

}  // namespace brigade
