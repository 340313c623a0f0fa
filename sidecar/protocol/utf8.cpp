#include "protocol/utf8.h"

#include <bit>
#include <cstdint>

namespace brigade::sidecar {

namespace {

/// Bytes of the character that `text` begins with; 0: it is none.
size_t character_size(std::string_view text) {
  auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  auto size = static_cast<size_t>(std::countl_one(lead));
  if (size < 2 || size > 4 || size > text.size()) return 0;
  uint32_t code = lead & (0x7fU >> size);
  for (size_t i = 1; i < size; i++) {
    auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0U) != 0x80) return 0;
    code = code << 6 | (byte & 0x3fU);
  }
  constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < least[size] || code > 0x10ffff || surrogate ? 0 : size;
}

}  // namespace

bool is_storable_text(std::string_view text) {
  while (!text.empty()) {
    size_t size = character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace brigade::sidecar
