#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace brigade {

// Fixed-width integers and length-prefixed byte strings, in host order: both ends are on one
// machine.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& target) : target_(target) {}

  template <typename Integer>
  void integer(Integer value) {
    target_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void bytes(std::string_view value) {
    integer(static_cast<uint32_t>(value.size()));
    target_.append(value);
  }
  // What is written between the two is read as bytes().
  size_t begin_bytes() {
    integer(uint32_t{0});
    return target_.size();
  }
  void end_bytes(size_t begin) {
    const auto size = static_cast<uint32_t>(target_.size() - begin);
    std::memcpy(target_.data() + begin - sizeof(size), &size, sizeof(size));
  }

 private:
  std::string& target_;
};

// Reads what ByteWriter wrote. Views point into the source. Throws std::out_of_range at its end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view source) : rest_(source) {}

  bool at_end() const { return rest_.empty(); }

  template <typename Integer>
  Integer integer() {
    Integer value;
    std::memcpy(&value, take(sizeof(value)).data(), sizeof(value));
    return value;
  }
  std::string_view bytes() { return take(integer<uint32_t>()); }

 private:
  std::string_view take(size_t size) {
    if (size > rest_.size()) throw std::out_of_range("truncated message");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

}  // namespace brigade
