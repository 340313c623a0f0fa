#pragma once

#include <string_view>

#include "protocol/line.h"

namespace brigade::sidecar {

enum class ContentCoding : uint8_t { identity, gzip, zstd };

constexpr std::string_view bson_stream_type = "application/vnd.powersync.bson-stream";
constexpr std::string_view ndjson_type = "application/x-ndjson";

/// Chooses between BSON and NDJSON by the Accept header (RFC 9110 §12.5.1). BSON must be named
/// exactly; NDJSON is the answer to everything else. `raw_data` is the request's.
LineFormat choose_line_format(std::string_view accept, bool raw_data);

/// Chooses by the Accept-Encoding header (RFC 9110 §12.5.3); of equal weights zstd, then gzip.
ContentCoding choose_content_coding(std::string_view accept_encoding);

std::string_view content_type_of(LineFormat format);

}  // namespace brigade::sidecar
