#include "decoding/key_order.h"

#include <bit>
#include <charconv>
#include <string_view>

namespace brigade {

namespace {

constexpr size_t ulid_size = 26;

// The number that the first `count` characters are; nothing if one of them is no digit.
std::optional<uint32_t> leading_number(std::string_view text, size_t count, int base) {
  if (text.size() < count) return std::nullopt;
  uint32_t number = 0;
  const char* end = text.data() + count;
  if (std::from_chars(text.data(), end, number, base).ptr != end) return std::nullopt;
  return number;
}

std::optional<uint32_t> text_order(std::string_view text) {
  // The digits of a ULID are in their order among those of base 36, of which six fit.
  if (text.size() == ulid_size) return leading_number(text, 6, 36);
  return leading_number(text, 8, 16);
}

}  // namespace

std::optional<uint32_t> key_order(const Value& key) {
  switch (key.kind) {
    case ValueKind::integer:
      // Large or small, a float has the leading 24 bits, and as bits the order of what is positive.
      return std::bit_cast<uint32_t>(static_cast<float>(key.integer));
    case ValueKind::text:
      return text_order(key.view());
    default:
      return std::nullopt;
  }
}

}  // namespace brigade
