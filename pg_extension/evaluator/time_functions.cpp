#include "evaluator/time_functions.h"

#include <sqlite3.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace brigade {

namespace {

std::string_view text_of(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return {text == nullptr ? "" : text, static_cast<size_t>(sqlite3_value_bytes(value))};
}

bool equals_ignoring_case(sqlite3_value* value, const char* word) {
  return sqlite3_value_type(value) == SQLITE_TEXT &&
         sqlite3_stricmp(std::string(text_of(value)).c_str(), word) == 0;
}

bool is_subsec(sqlite3_value* value) {
  return equals_ignoring_case(value, "subsec") || equals_ignoring_case(value, "subsecond");
}

// What strftime() of SQLite makes of a time and its modifiers.
class Formatter {
 public:
  Formatter(sqlite3* connection, std::string_view format,
            const std::vector<sqlite3_value*>& times) {
    std::string sql = "SELECT strftime(?1";
    for (size_t i = 0; i < times.size(); i++) sql += ", ?" + std::to_string(i + 2);
    sqlite3_prepare_v2(connection, (sql + ")").c_str(), -1, &statement_, nullptr);
    sqlite3_bind_text(statement_, 1, format.data(), static_cast<int>(format.size()), SQLITE_STATIC);
    for (size_t i = 0; i < times.size(); i++) {
      sqlite3_bind_value(statement_, static_cast<int>(i + 2), times[i]);
    }
    has_result_ =
        sqlite3_step(statement_) == SQLITE_ROW && sqlite3_column_type(statement_, 0) == SQLITE_TEXT;
  }
  ~Formatter() { sqlite3_finalize(statement_); }
  Formatter(const Formatter&) = delete;
  Formatter& operator=(const Formatter&) = delete;

  // nullptr if the time is none that SQLite knows.
  const char* text() const {
    if (!has_result_) return nullptr;
    return reinterpret_cast<const char*>(sqlite3_column_text(statement_, 0));
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  bool has_result_ = false;
};

struct TimeArguments {
  std::vector<sqlite3_value*> times;  // the time, and modifiers without subsec
  bool subsec = false;
  bool depends_on_clock = false;
};

TimeArguments read_arguments(int count, sqlite3_value** arguments) {
  TimeArguments read;
  for (int i = 0; i < count; i++) {
    if (i > 0 && is_subsec(arguments[i])) {
      read.subsec = true;
      continue;
    }
    read.depends_on_clock |= equals_ignoring_case(arguments[i], "now") ||
                             equals_ignoring_case(arguments[i], "localtime") ||
                             equals_ignoring_case(arguments[i], "utc");
    read.times.push_back(arguments[i]);
  }
  read.depends_on_clock |= count == 0 || is_subsec(arguments[0]);
  return read;
}

void datetime(sqlite3_context* context, int count, sqlite3_value** arguments) {
  const TimeArguments read = read_arguments(count, arguments);
  if (read.depends_on_clock) return;
  const char* format = read.subsec ? "%Y-%m-%d %H:%M:%f" : "%Y-%m-%d %H:%M:%S";
  const Formatter formatter(sqlite3_context_db_handle(context), format, read.times);
  if (formatter.text() == nullptr) return;
  sqlite3_result_text(context, formatter.text(), -1, SQLITE_TRANSIENT);
}

// Seconds with the milliseconds of the time of day, which is what SQLite keeps of a fraction.
void unixepoch(sqlite3_context* context, int count, sqlite3_value** arguments) {
  const TimeArguments read = read_arguments(count, arguments);
  if (read.depends_on_clock) return;
  sqlite3* connection = sqlite3_context_db_handle(context);
  const Formatter formatter(connection, read.subsec ? "%s %f %S" : "%s", read.times);
  if (formatter.text() == nullptr) return;
  char* rest = nullptr;
  const int64_t seconds = std::strtoll(formatter.text(), &rest, 10);
  if (!read.subsec) return sqlite3_result_int64(context, seconds);
  const double with_fraction = std::strtod(rest, &rest);
  const double whole = std::strtod(rest, nullptr);
  const auto milliseconds = int64_t{std::llround((with_fraction - whole) * 1000)};
  sqlite3_result_double(context, static_cast<double>(seconds * 1000 + milliseconds) / 1000);
}

}  // namespace

void register_time_functions(sqlite3* connection) {
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  sqlite3_create_function(connection, "datetime", -1, flags, nullptr, datetime, nullptr, nullptr);
  sqlite3_create_function(connection, "unixepoch", -1, flags, nullptr, unixepoch, nullptr, nullptr);
}

}  // namespace brigade
