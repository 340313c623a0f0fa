#include "auth/base64.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>

namespace brigade::sidecar {

namespace {

constexpr int8_t invalid = -1;

constexpr std::array<int8_t, 256> make_table(std::string_view last_two) {
  std::array<int8_t, 256> table{};
  table.fill(invalid);
  int8_t value = 0;
  for (char c = 'A'; c <= 'Z'; c++) table[static_cast<size_t>(c)] = value++;
  for (char c = 'a'; c <= 'z'; c++) table[static_cast<size_t>(c)] = value++;
  for (char c = '0'; c <= '9'; c++) table[static_cast<size_t>(c)] = value++;
  for (char c : last_two) table[static_cast<size_t>(c)] = value++;
  return table;
}

constexpr auto url_table = make_table("-_");
constexpr auto standard_table = make_table("+/");

std::optional<std::string> decode(std::string_view text, const std::array<int8_t, 256>& table) {
  if (text.size() % 4 == 1) return {};
  std::string decoded;
  decoded.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int bit_count = 0;
  for (char c : text) {
    int8_t value = table[static_cast<unsigned char>(c)];
    if (value == invalid) return {};
    bits = (bits << 6) | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    decoded += static_cast<char>((bits >> bit_count) & 0xff);
  }
  // One value has one encoding: bits that belong to no byte must be zero.
  bool canonical = (bits & ((1U << bit_count) - 1)) == 0;
  if (!canonical) return {};
  return decoded;
}

}  // namespace

std::optional<std::string> decode_base64url(std::string_view text) {
  return decode(text, url_table);
}

std::string encode_base64url(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                             reinterpret_cast<const unsigned char*>(bytes.data()),
                             static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  return decode(text, standard_table);
}

}  // namespace brigade::sidecar
