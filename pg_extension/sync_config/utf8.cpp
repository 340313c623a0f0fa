#include "sync_config/utf8.h"

#include <bit>
#include <cstdint>

namespace brigade {

namespace {

// Bytes of the character that `text`, which is not empty, begins with; 0 if it is none.
size_t character_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  const auto size = static_cast<size_t>(std::countl_one(lead));
  if (size < 2 || size > 4 || size > text.size()) return 0;
  uint32_t code = lead & (0x7FU >> size);
  for (size_t i = 1; i < size; i++) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0U) != 0x80) return 0;
    code = code << 6 | (byte & 0x3FU);
  }
  constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < least[size] || code > 0x10FFFF || surrogate ? 0 : size;
}

}  // namespace

size_t storable_length(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    const size_t size = character_size(text.substr(length));
    if (size == 0) break;
    length += size;
  }
  return length;
}

}  // namespace brigade
