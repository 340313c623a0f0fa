#include "protocol/json_writer.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <array>
#include <bit>
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

char* write_escape(char* out, unsigned char c, char escape) {
  static constexpr char digits[] = "0123456789abcdef";
  *out++ = '\\';
  *out++ = escape;
  if (escape != 'u') return out;
  *out++ = '0';
  *out++ = '0';
  *out++ = digits[c >> 4];
  *out++ = digits[c & 15];
  return out;
}

#ifdef __SSE2__
constexpr size_t stride = 16;

/// Copies 16 bytes; the answer is how many of them, from the first, need no escape.
size_t copy_clean(const char* in, char* out) {
  __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
  __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  // Unsigned: a byte is below 0x20 if it is its minimum with 0x1f.
  __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  __m128i any = _mm_or_si128(_mm_or_si128(quote, backslash), control);
  auto mask = static_cast<unsigned>(_mm_movemask_epi8(any));
  return static_cast<size_t>(std::countr_zero(mask | 0x10000U));
}
#else
constexpr size_t stride = 1;

size_t copy_clean(const char* in, char* out) {
  *out = *in;
  return escapes[static_cast<unsigned char>(*in)] == 0 ? 1 : 0;
}
#endif

/// Room for any `size` bytes with their escapes, and for what `copy_clean` writes too much.
constexpr size_t escaped_size_max(size_t size) { return 6 * size + stride; }

char* write_escaped(char* out, std::string_view text) {
  const char* in = text.data();
  const char* end = in + text.size();
  while (in != end) {
    bool room = static_cast<size_t>(end - in) >= stride;
    size_t clean = room ? copy_clean(in, out) : 0;
    in += clean;
    out += clean;
    if (room && clean == stride) continue;
    auto c = static_cast<unsigned char>(*in++);
    char escape = escapes[c];
    if (escape == 0) {
      *out++ = static_cast<char>(c);
    } else {
      out = write_escape(out, c, escape);
    }
  }
  return out;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  // In pieces, so that the room that is made for the worst case stays small.
  constexpr size_t piece_size = 4096;
  out += '"';
  for (size_t at = 0; at < text.size(); at += piece_size) {
    std::string_view piece = text.substr(at, piece_size);
    std::array<char, escaped_size_max(piece_size)> buffer;
    char* end = write_escaped(buffer.data(), piece);
    out.append(buffer.data(), end);
  }
  out += '"';
}

void JsonWriter::begin_member(std::string_view key) {
  char last = out_.back();
  if (last != '{' && last != '[') out_ += ',';
  if (key.empty()) return;
  out_ += '"';
  out_.append(key);
  out_.append("\":", 2);
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
