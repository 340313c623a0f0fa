#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace brigade::sidecar {

/// Goes through a JSON text from its start, and makes nothing but what is asked for: where there
/// are thousands of values, this takes a fraction of the time of a parser that reports each of
/// them. Throws std::runtime_error where something else stands.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  /// Goes past `wanted`, if it stands here.
  bool take(char wanted);
  void expect(char wanted);
  int64_t number();
  std::string string();
  /// Of any kind.
  nlohmann::json value();

  /// Calls `read` for each element of an array, which it must go past.
  template <class Read>
  void for_each_element(Read read) {
    expect('[');
    if (take(']')) return;
    do {
      read();
    } while (take(','));
    expect(']');
  }

 private:
  void skip_blanks();
  void skip_string();
  void skip_value();
  [[noreturn]] void fail(const std::string& expected) const;

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace brigade::sidecar
