#include "protocol/stream_request.h"

#include <charconv>

#include "protocol/bounded_json.h"

namespace brigade::sidecar {

namespace {

using Problem = std::optional<ProtocolError>;

Problem wrong_type(const std::string& path, const char* type) {
  return ProtocolError::validation(path + ": type must be " + type);
}

Problem missing(const std::string& path, const char* name) {
  return ProtocolError::validation(path + " must have required property '" + name + "'");
}

/// Null when absent. A field that is null counts as absent, as SDKs send both.
const Json* find(const Json& object, const char* name) {
  auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

Problem read_boolean(const Json& object, const char* name, const std::string& path, bool& out) {
  const Json* field = find(object, name);
  if (field == nullptr) return {};
  if (!field->is_boolean()) return wrong_type(path + "/" + name, "boolean");
  out = field->get<bool>();
  return {};
}

Problem read_object(const Json& object, const char* name, std::string& out) {
  const Json* field = find(object, name);
  if (field == nullptr) return {};
  if (!field->is_object()) return wrong_type(std::string("/") + name, "object");
  out = field->dump();
  return {};
}

Problem read_position(const Json& bucket, const std::string& path, StreamRequest& out) {
  if (!bucket.is_object()) return wrong_type(path, "object");
  const Json* name = find(bucket, "name");
  const Json* after = find(bucket, "after");
  if (name == nullptr) return missing(path, "name");
  if (after == nullptr) return missing(path, "after");
  if (!name->is_string()) return wrong_type(path + "/name", "string");
  if (!after->is_string()) return wrong_type(path + "/after", "string");
  std::optional<int64_t> position = parse_op_id(after->get_ref<const std::string&>());
  if (!position) return ProtocolError::validation(path + "/after: must be an op id");
  out.positions[name->get_ref<const std::string&>()] = *position;
  return {};
}

Problem read_positions(const Json& body, StreamRequest& out) {
  const Json* buckets = find(body, "buckets");
  if (buckets == nullptr) return {};
  if (!buckets->is_array()) return wrong_type("/buckets", "array");
  out.positions.reserve(buckets->size());
  for (size_t i = 0; i < buckets->size(); i++) {
    Problem problem = read_position((*buckets)[i], "/buckets/" + std::to_string(i), out);
    if (problem) return problem;
  }
  return {};
}

Problem check_priority(const Json& priority, const std::string& path) {
  if (priority.is_null()) return {};
  if (!priority.is_number_integer()) return wrong_type(path, "integer");
  bool in_range = priority >= 0 && priority <= 3;
  if (!in_range) return ProtocolError::validation(path + ": must be between 0 and 3");
  return {};
}

Problem check_subscription(const Json& subscription, const std::string& path) {
  if (!subscription.is_object()) return wrong_type(path, "object");
  for (const char* name : {"stream", "parameters", "override_priority"}) {
    bool optional = std::string_view(name) == "parameters";
    if (!optional && !subscription.contains(name)) return missing(path, name);
  }
  if (!subscription["stream"].is_string()) return wrong_type(path + "/stream", "string");
  const Json* parameters = find(subscription, "parameters");
  if (parameters != nullptr && !parameters->is_object()) {
    return wrong_type(path + "/parameters", "object");
  }
  return check_priority(subscription["override_priority"], path + "/override_priority");
}

Problem read_streams(const Json& body, StreamRequest& out) {
  const Json* streams = find(body, "streams");
  if (streams == nullptr) return {};
  if (!streams->is_object()) return wrong_type("/streams", "object");
  Problem problem = read_boolean(*streams, "include_defaults", "/streams", out.include_defaults);
  const Json* subscriptions = find(*streams, "subscriptions");
  if (problem || subscriptions == nullptr) return problem;
  if (!subscriptions->is_array()) return wrong_type("/streams/subscriptions", "array");
  for (size_t i = 0; i < subscriptions->size() && !problem; i++) {
    problem =
        check_subscription((*subscriptions)[i], "/streams/subscriptions/" + std::to_string(i));
  }
  if (!problem) out.subscriptions_json = subscriptions->dump();
  return problem;
}

Problem read_client_id(const Json& body, std::string& out) {
  const Json* client_id = find(body, "client_id");
  if (client_id == nullptr) return {};
  if (!client_id->is_string()) return wrong_type("/client_id", "string");
  out = client_id->get<std::string>();
  return {};
}

Result<Json, ProtocolError> parse_object(std::string_view body) {
  std::optional<Json> json = parse_bounded_json(body);
  if (!json) return ProtocolError::validation("/: body must be valid JSON");
  if (!json->is_object()) return ProtocolError::validation("/: type must be object");
  return std::move(*json);
}

}  // namespace

std::optional<int64_t> parse_op_id(std::string_view text) {
  int64_t value = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool whole = status == std::errc() && end == text.data() + text.size();
  if (!whole || value < 0 || text.front() == '-') return {};
  return value;
}

Result<StreamRequest, ProtocolError> parse_stream_request(std::string_view body) {
  Result<Json, ProtocolError> json = parse_object(body.empty() ? "{}" : body);
  if (!json) return json.error();
  StreamRequest request;
  Problem problem = read_positions(*json, request);
  if (!problem) problem = read_boolean(*json, "raw_data", "", request.raw_data);
  if (!problem) problem = read_client_id(*json, request.client_id);
  if (!problem) problem = read_object(*json, "parameters", request.connection_parameters_json);
  if (!problem) problem = read_streams(*json, request);
  if (!problem) problem = read_object(*json, "app_metadata", request.app_metadata_json);
  if (problem) return *problem;
  return request;
}

Result<CheckpointRequest, ProtocolError> parse_checkpoint_request(std::string_view body) {
  Result<Json, ProtocolError> json = parse_object(body);
  if (!json) return json.error();
  CheckpointRequest request;
  if (Problem problem = read_client_id(*json, request.client_id)) return *problem;
  const Json* id = find(*json, "checkpoint_request_id");
  if (id == nullptr) return *missing("", "checkpoint_request_id");
  if (!id->is_string()) return *wrong_type("/checkpoint_request_id", "string");
  std::optional<int64_t> value = parse_op_id(id->get_ref<const std::string&>());
  if (!value || *value < 1) {
    return ProtocolError::validation(
        "Expected checkpoint_request_id between 1 and 9223372036854775807");
  }
  request.request_id = *value;
  return request;
}

}  // namespace brigade::sidecar
