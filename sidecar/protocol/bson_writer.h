#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace brigade::sidecar {

/// Appends one BSON document (bsonspec.org, version 1.1) to a string; see JsonWriter.
/// Numbers are int32 where they fit and double elsewhere, as js-bson writes JavaScript's numbers.
class BsonWriter {
 public:
  explicit BsonWriter(std::string& out) : out_(out) {}

  void begin_document() { open_document(false); }
  void end_document() { end_object(); }
  void begin_object(std::string_view key = {});
  void end_object();
  void begin_array(std::string_view key = {});
  void end_array() { end_object(); }
  void string(std::string_view key, std::string_view value);
  void number(std::string_view key, int64_t value);
  void boolean(std::string_view key, bool value);
  void null(std::string_view key);
  /// BSON carries JSON text as a string.
  void raw(std::string_view key, std::string_view json) { string(key, json); }

 private:
  /// An unfinished document: where its length goes, and the next key if it is an array.
  struct Level {
    size_t start;
    int64_t next_index;  ///< -1 in an object
  };

  void open_document(bool is_array);
  void element(char type, std::string_view key);
  template <class T>
  void little_endian(T value);

  std::string& out_;
  std::array<Level, 8> levels_;
  size_t depth_ = 0;
};

}  // namespace brigade::sidecar
