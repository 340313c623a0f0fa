#include "sync_config/json_text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace brigade {

namespace {

char* write(char* target, std::string_view text) {
  std::memcpy(target, text.data(), text.size());
  return target + text.size();
}

char* write_zeros(char* target, int count) {
  std::memset(target, '0', count);
  return target + count;
}

// A positive finite number as its significant digits and where the decimal point stands among them:
// 0.digits × 10^point.
struct Decimal {
  char buffer[real_text_size_max];
  int count;
  int point;

  explicit Decimal(double value) {
    const std::to_chars_result written =
        std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
    const char* exponent_mark = static_cast<char*>(memchr(buffer, 'e', written.ptr - buffer));
    // std::from_chars reads no plus sign.
    const char* exponent_start = exponent_mark + (exponent_mark[1] == '+' ? 2 : 1);
    int exponent = 0;
    std::from_chars(exponent_start, written.ptr, exponent);
    const bool has_fraction = buffer[1] == '.';
    count = static_cast<int>(exponent_mark - buffer) - (has_fraction ? 1 : 0);
    if (has_fraction) std::memmove(buffer + 1, buffer + 2, count - 1);
    point = exponent + 1;
  }

  std::string_view digits(int from, int to) const { return {buffer + from, size_t(to - from)}; }
};

char* write_exponential(const Decimal& decimal, char* target) {
  const int exponent = decimal.point - 1;
  target = write(target, decimal.digits(0, 1));
  if (decimal.count > 1) target = write(target, ".");
  target = write(target, decimal.digits(1, decimal.count));
  target = write(target, exponent < 0 ? "e-" : "e+");
  return std::to_chars(target, target + 3, std::abs(exponent)).ptr;
}

// ECMA-262, Number::toString: plain digits from 1e-6 up to, not including, 1e21.
char* write_positive(const Decimal& decimal, char* target) {
  if (decimal.point > 21 || decimal.point < -5) return write_exponential(decimal, target);
  if (decimal.point <= 0) {
    target = write_zeros(write(target, "0."), -decimal.point);
    return write(target, decimal.digits(0, decimal.count));
  }
  if (decimal.count <= decimal.point) {
    target = write(target, decimal.digits(0, decimal.count));
    return write(write_zeros(target, decimal.point - decimal.count), ".0");
  }
  target = write(write(target, decimal.digits(0, decimal.point)), ".");
  return write(target, decimal.digits(decimal.point, decimal.count));
}

bool needs_escape(char character) {
  return static_cast<unsigned char>(character) < 0x20 || character == '"' || character == '\\';
}

constexpr uint64_t eight_times(unsigned char byte) { return 0x0101010101010101U * byte; }

// Whether a byte is less than `limit`, which is at most 128.
constexpr bool any_byte_below(uint64_t bytes, unsigned char limit) {
  return ((bytes - eight_times(limit)) & ~bytes & eight_times(0x80)) != 0;
}

// needs_escape() of eight characters at once: most texts have none that does.
bool any_needs_escape(const char* characters) {
  uint64_t bytes;
  std::memcpy(&bytes, characters, sizeof(bytes));
  return any_byte_below(bytes, 0x20) || any_byte_below(bytes ^ eight_times('"'), 1) ||
         any_byte_below(bytes ^ eight_times('\\'), 1);
}

}  // namespace

size_t write_real(double value, char* target) {
  char* end = target;
  if (std::isnan(value)) {
    end = write(end, "null");
  } else if (value == 0) {
    end = write(end, "0.0");
  } else {
    if (value < 0) end = write(end, "-");
    const double magnitude = std::fabs(value);
    end = std::isinf(magnitude) ? write(end, "9e999") : write_positive(Decimal(magnitude), end);
  }
  return end - target;
}

size_t find_json_escape(std::string_view text, size_t from) {
  size_t position = from;
  while (position + 8 <= text.size() && !any_needs_escape(text.data() + position)) position += 8;
  while (position < text.size() && !needs_escape(text[position])) position++;
  return position;
}

size_t write_json_escape(char character, char* target) {
  constexpr std::string_view named = "\b\f\n\r\t\"\\";
  constexpr std::string_view names = "bfnrt\"\\";
  const size_t name = named.find(character);
  if (name != std::string_view::npos) {
    target[0] = '\\';
    target[1] = names[name];
    return 2;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  char* end = write(target, "\\u00");
  *end++ = digits[static_cast<unsigned char>(character) >> 4];
  *end++ = digits[character & 0xf];
  return end - target;
}

}  // namespace brigade
