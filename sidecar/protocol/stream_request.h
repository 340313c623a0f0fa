#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/error.h"
#include "result.h"

namespace brigade::sidecar {

/// The body of POST /sync/stream.
struct StreamRequest {
  /// Bucket name → the op id up to which the client already has it.
  std::unordered_map<std::string, int64_t> positions;
  bool raw_data = false;
  std::string client_id;
  std::string connection_parameters_json = "{}";
  bool include_defaults = true;
  /// `[{"stream","parameters","override_priority"},…]`, as `brigade.resolve` takes it.
  std::string subscriptions_json = "[]";
  std::string app_metadata_json;  ///< empty when absent; only for the logs
};

/// The body of POST /sync/checkpoint-request.
struct CheckpointRequest {
  std::string client_id;
  int64_t request_id = 0;
};

/// The error names the path of the first field at fault.
Result<StreamRequest, ProtocolError> parse_stream_request(std::string_view body);
Result<CheckpointRequest, ProtocolError> parse_checkpoint_request(std::string_view body);

/// A decimal integer from 0 to 2^63-1 without sign or leading blanks.
std::optional<int64_t> parse_op_id(std::string_view text);

}  // namespace brigade::sidecar
