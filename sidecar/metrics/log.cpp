#include "metrics/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "metrics/log_buffer.h"
#include "protocol/json_writer.h"
#include "protocol/utf8.h"

namespace brigade::sidecar {

namespace {

/// The message as a JSON string: spdlog's own patterns do not escape it.
class JsonMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string text;
    append_json_string(text, {message.payload.data(), message.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

spdlog::level::level_enum to_level(const std::string& name) {
  if (name == "silly") return spdlog::level::trace;
  if (name == "debug" || name == "verbose" || name == "http") return spdlog::level::debug;
  if (name == "warn") return spdlog::level::warn;
  if (name == "error") return spdlog::level::err;
  return spdlog::level::info;
}

/// Lines that are kept while nobody reads them.
constexpr size_t kept_bytes_max = 1 << 20;

/// All loggers' lines go through this one buffer.
LogBuffer& standard_error() {
  static LogBuffer buffer(STDERR_FILENO, kept_bytes_max);
  return buffer;
}

/// spdlog's own sink for standard error waits until somebody reads it.
class PatientSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  /// `quotes`: its messages have to be JSON.
  explicit PatientSink(bool quotes) : quotes_(quotes) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (lost_ > 0 && write({"", spdlog::level::warn, loss_message()})) lost_ = 0;
    if (!write(message)) lost_++;
  }
  void flush_() override { standard_error().flush(); }

 private:
  std::string loss_message() const {
    std::string message = std::to_string(lost_) + " lines are lost: nobody read standard error";
    return quotes_ ? "\"" + message + "\"" : message;
  }
  bool write(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    return standard_error().write({line.data(), line.size()});
  }

  bool quotes_;
  uint64_t lost_ = 0;
};

/// Payloads of this logger are the rest of the JSON object after its `message` key.
constexpr const char* event_logger_name = "events";
bool in_json = false;

std::shared_ptr<spdlog::logger> make_logger(const char* name, const std::string& level,
                                            const char* json_message) {
  auto sink = std::make_shared<PatientSink>(in_json && name == std::string(event_logger_name));
  auto logger = std::make_shared<spdlog::logger>(name, std::move(sink));
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  if (in_json) {
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"timestamp":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":)" +
        std::string(json_message) + "}");
  } else {
    formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v");
  }
  logger->set_formatter(std::move(formatter));
  logger->set_level(to_level(level));
  return logger;
}

/// Quoted if it could be taken for anything but one word.
void append_value(std::string& out, std::string_view value) {
  std::string clean(value);
  if (!is_storable_text(clean)) {
    std::replace_if(
        clean.begin(), clean.end(), [](char c) { return static_cast<signed char>(c) <= 0; }, '?');
  }
  auto is_plain = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '='; };
  bool bare = !in_json && !clean.empty() && std::all_of(clean.begin(), clean.end(), is_plain);
  bare ? void(out += clean) : append_json_string(out, clean);
}

}  // namespace

void set_up_log(const std::string& level, const std::string& format) {
  in_json = format == "json";
  spdlog::set_default_logger(make_logger("sidecar", level, "%*"));
  spdlog::drop(event_logger_name);
  spdlog::register_logger(make_logger(event_logger_name, level, "%v"));
}

void flush_log() { spdlog::default_logger()->flush(); }

LogEvent::LogEvent(std::string_view what) {
  in_json ? append_json_string(text_, what) : void(text_ += what);
}

void LogEvent::begin(std::string_view name) {
  in_json ? void(text_.append(",\"").append(name).append("\":"))
          : void(text_.append(" ").append(name).append("="));
}

LogEvent& LogEvent::with(std::string_view name, std::string_view value) {
  begin(name);
  append_value(text_, value);
  return *this;
}

LogEvent& LogEvent::with(std::string_view name, int64_t value) {
  begin(name);
  text_ += std::to_string(value);
  return *this;
}

void LogEvent::write() {
  std::shared_ptr<spdlog::logger> logger = spdlog::get(event_logger_name);
  if (logger) logger->info(std::string_view(text_));
}

}  // namespace brigade::sidecar
