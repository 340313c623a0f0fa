#include "protocol/negotiation.h"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace brigade::sidecar {

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Cuts off and returns what stands before the next `separator`.
std::string_view take_until(std::string_view& rest, char separator) {
  std::string_view item = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(rest.size(), item.size() + 1));
  return trim(item);
}

double weight_of(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = take_until(parameters, ';');
    if (parameter.starts_with("q=")) {
      return std::clamp(std::strtod(std::string(parameter.substr(2)).c_str(), nullptr), 0.0, 1.0);
    }
  }
  return 1.0;
}

/// Calls `visit(name, weight)` for every item of a list of weighted names.
template <class Visit>
void for_each_weighted(std::string_view list, Visit visit) {
  while (!list.empty()) {
    std::string_view item = take_until(list, ',');
    std::string_view name = take_until(item, ';');
    if (!name.empty()) visit(name, weight_of(item));
  }
}

}  // namespace

LineFormat choose_line_format(std::string_view accept, bool raw_data) {
  double bson = 0;
  double ndjson = 0;
  for_each_weighted(accept, [&](std::string_view type, double weight) {
    bool any = type == "*/*" || type == "application/*" || type == ndjson_type;
    if (type == bson_stream_type) bson = std::max(bson, weight);
    if (any) ndjson = std::max(ndjson, weight);
  });
  if (bson > ndjson) return LineFormat::bson;
  return raw_data ? LineFormat::ndjson_raw : LineFormat::ndjson_nested;
}

ContentCoding choose_content_coding(std::string_view accept_encoding) {
  double zstd = 0;
  double gzip = 0;
  for_each_weighted(accept_encoding, [&](std::string_view coding, double weight) {
    if (coding == "zstd") zstd = weight;
    if (coding == "gzip" || coding == "x-gzip") gzip = weight;
  });
  if (zstd > 0 && zstd >= gzip) return ContentCoding::zstd;
  return gzip > 0 ? ContentCoding::gzip : ContentCoding::identity;
}

std::string_view content_type_of(LineFormat format) {
  return format == LineFormat::bson ? bson_stream_type : ndjson_type;
}

}  // namespace brigade::sidecar
