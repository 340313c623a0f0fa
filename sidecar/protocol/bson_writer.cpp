#include "protocol/bson_writer.h"

#include <bit>
#include <cassert>
#include <charconv>
#include <cstring>
#include <limits>

namespace brigade::sidecar {

static_assert(std::endian::native == std::endian::little);

namespace {
constexpr char type_double = 0x01;
constexpr char type_string = 0x02;
constexpr char type_document = 0x03;
constexpr char type_array = 0x04;
constexpr char type_boolean = 0x08;
constexpr char type_null = 0x0a;
constexpr char type_int32 = 0x10;
}  // namespace

template <class T>
void BsonWriter::little_endian(T value) {
  std::array<char, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &value, sizeof(T));
  out_.append(bytes.data(), bytes.size());
}

void BsonWriter::open_document(bool is_array) {
  assert(depth_ < levels_.size());
  levels_[depth_++] = {out_.size(), is_array ? 0 : -1};
  little_endian<int32_t>(0);
}

void BsonWriter::element(char type, std::string_view key) {
  out_ += type;
  Level& level = levels_[depth_ - 1];
  if (level.next_index < 0) {
    out_ += key;
  } else {
    std::array<char, 24> digits;
    char* end = std::to_chars(digits.begin(), digits.end(), level.next_index++).ptr;
    out_.append(digits.data(), end);
  }
  out_ += '\0';
}

void BsonWriter::begin_object(std::string_view key) {
  element(type_document, key);
  open_document(false);
}

void BsonWriter::begin_array(std::string_view key) {
  element(type_array, key);
  open_document(true);
}

void BsonWriter::end_object() {
  out_ += '\0';
  size_t start = levels_[--depth_].start;
  auto length = static_cast<int32_t>(out_.size() - start);
  std::memcpy(out_.data() + start, &length, sizeof length);
}

void BsonWriter::string(std::string_view key, std::string_view value) {
  element(type_string, key);
  little_endian(static_cast<int32_t>(value.size() + 1));
  out_ += value;
  out_ += '\0';
}

void BsonWriter::number(std::string_view key, int64_t value) {
  using Int32 = std::numeric_limits<int32_t>;
  bool fits = value >= Int32::min() && value <= Int32::max();
  element(fits ? type_int32 : type_double, key);
  if (fits) {
    little_endian(static_cast<int32_t>(value));
  } else {
    little_endian(static_cast<double>(value));
  }
}

void BsonWriter::boolean(std::string_view key, bool value) {
  element(type_boolean, key);
  out_ += static_cast<char>(value);
}

void BsonWriter::null(std::string_view key) { element(type_null, key); }

}  // namespace brigade::sidecar
