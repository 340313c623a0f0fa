#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace brigade::sidecar {

/// Logs to standard error from now on. `level`: as service.yaml names it (silly, debug, verbose,
/// http, info, warn, error); `format`: text, or json for one JSON object a line.
void set_up_log(const std::string& level, const std::string& format);

/// The log never waits for its reader: this writes what the reader has room for by now.
void flush_log();

/// One line about something that happened, with its facts: ` name=value` in a text log, members
/// of the line's object in a JSON log. Values may be what a client sent: they never end the line.
class LogEvent {
 public:
  explicit LogEvent(std::string_view what);
  LogEvent& with(std::string_view name, std::string_view value);
  LogEvent& with(std::string_view name, int64_t value);
  /// Writes the line, at level info.
  void write();

 private:
  void begin(std::string_view name);

  std::string text_;
};

}  // namespace brigade::sidecar
