#include "metrics/metrics.h"

namespace brigade::sidecar {

void MetricsText::head(std::string_view name, std::string_view help, std::string_view type) {
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  bool in_bytes = name.find("_bytes") != std::string_view::npos;
  if (in_bytes) text_.append("# UNIT ").append(name).append(" bytes\n");
  text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void MetricsText::counter(std::string_view name, std::string_view help, uint64_t value) {
  head(name, help, "counter");
  text_.append(name).append(" ").append(std::to_string(value)).append("\n");
}

void MetricsText::gauge(std::string_view name, std::string_view help, int64_t value) {
  head(name, help, "gauge");
  text_.append(name).append(" ").append(std::to_string(value)).append("\n");
}

void MetricsText::info(std::string_view name, std::string_view help, std::string_view labels) {
  head(name, help, "gauge");
  text_.append(name).append("{").append(labels).append("} 1\n");
}

}  // namespace brigade::sidecar
