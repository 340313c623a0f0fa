#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace brigade::sidecar {

/// Appends `text` as a JSON string, quotes included, escaped as JavaScript's JSON.stringify does:
/// only `"`, `\` and characters below 0x20; everything else stays as it is.
void append_json_string(std::string& out, std::string_view text);

/// Appends JSON to a string. Shares its interface with BsonWriter, so that a line is described
/// once and written in either format. Members of arrays have an empty key.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_document() { out_ += '{'; }
  void end_document() { out_ += "}\n"; }
  void begin_object(std::string_view key = {}) { open(key, '{'); }
  void end_object() { out_ += '}'; }
  void begin_array(std::string_view key = {}) { open(key, '['); }
  void end_array() { out_ += ']'; }
  void string(std::string_view key, std::string_view value);
  void number(std::string_view key, int64_t value);
  void boolean(std::string_view key, bool value);
  void null(std::string_view key);
  /// `json` is written as it is.
  void raw(std::string_view key, std::string_view json);

 private:
  void open(std::string_view key, char bracket);
  void begin_member(std::string_view key);

  std::string& out_;
};

}  // namespace brigade::sidecar
