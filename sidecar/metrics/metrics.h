#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace brigade::sidecar {

/// What the process counted since its start, and how things stand.
struct Counts {
  uint64_t data_synced_bytes = 0;
  uint64_t data_sent_bytes = 0;
  uint64_t operations_synced = 0;
  uint64_t streams_started = 0;
  uint64_t streams_ended = 0;
};

/// Builds the Prometheus text format (version 0.0.4).
class MetricsText {
 public:
  void counter(std::string_view name, std::string_view help, uint64_t value);
  void gauge(std::string_view name, std::string_view help, int64_t value);
  /// `labels`: `name="value",…`
  void info(std::string_view name, std::string_view help, std::string_view labels);
  std::string take() { return std::move(text_); }

 private:
  void head(std::string_view name, std::string_view help, std::string_view type);

  std::string text_;
};

}  // namespace brigade::sidecar
