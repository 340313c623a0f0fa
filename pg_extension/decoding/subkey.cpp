#include "decoding/subkey.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "decoding/key_order.h"

namespace brigade {

namespace {

void append_value(std::string& bytes, const Value& value) {
  ByteWriter writer(bytes);
  writer.integer(value.kind);
  switch (value.kind) {
    case ValueKind::integer:
      return writer.integer(value.integer);
    case ValueKind::real:
      return writer.integer(value.real);
    case ValueKind::text:
    case ValueKind::blob:
      return writer.bytes(value.view());
    default:
      return;
  }
}

// As bytes that compare as the number does.
std::array<char, 4> big_endian(uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16),
          static_cast<char>(number >> 8), static_cast<char>(number)};
}

nlohmann::json to_json(const Value& value) {
  switch (value.kind) {
    case ValueKind::integer:
      return value.integer;
    case ValueKind::real:
      return value.real;
    case ValueKind::text:
      return std::string(value.view());
    case ValueKind::blob:
      return "<blob>";
    default:
      return nullptr;
  }
}

}  // namespace

std::array<char, 4> table_prefix(std::string_view table) {
  return std::bit_cast<std::array<char, 4>>(
      static_cast<uint32_t>(XXH3_64bits(table.data(), table.size())));
}

Subkey subkey_of(const std::array<char, 4>& table, std::span<const Value> row,
                 const std::vector<int>& key_columns) {
  static std::string bytes;  // kept for its memory
  bytes.clear();
  for (const int column : key_columns) append_value(bytes, row[column]);
  auto subkey = std::bit_cast<Subkey>(XXH3_128bits(bytes.data(), bytes.size()));
  std::ranges::copy(table, subkey.begin());
  const auto order = key_columns.empty() ? std::nullopt : key_order(row[key_columns.front()]);
  if (order) std::ranges::copy(big_endian(*order), subkey.begin() + table.size());
  return subkey;
}

std::string describe_key(std::span<const Value> row, const std::vector<int>& key_columns) {
  auto key = nlohmann::json::array();
  for (const int column : key_columns) key.push_back(to_json(row[column]));
  return key.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace brigade
