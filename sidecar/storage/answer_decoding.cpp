#include "storage/answer_decoding.h"

#include <nlohmann/json.hpp>

namespace brigade::sidecar {

using Json = nlohmann::json;

namespace {

/// Op ids come as strings, other ids as numbers.
int64_t to_id(const Json& value) {
  return value.is_string() ? std::stoll(value.get_ref<const std::string&>()) : value.get<int64_t>();
}

std::optional<int64_t> to_optional_id(const Json& object, const char* name) {
  auto it = object.find(name);
  if (it == object.end() || it->is_null()) return {};
  return to_id(*it);
}

BucketState to_bucket_state(const Json& bucket) {
  return {to_id(bucket.at("last_op_id")), bucket.at("count").get<int64_t>(),
          static_cast<int32_t>(bucket.at("checksum").get<int64_t>())};
}

std::vector<Reason> to_reasons(const Json& subscriptions) {
  std::vector<Reason> reasons;
  reasons.reserve(subscriptions.size());
  for (const Json& subscription : subscriptions) {
    bool is_default = subscription.contains("default");
    reasons.push_back({is_default, subscription.at(is_default ? "default" : "sub")});
  }
  return reasons;
}

std::string text_or_empty(const Json& value) {
  return value.is_null() ? "" : value.get<std::string>();
}

ResolvedBucket to_resolved_bucket(const Json& bucket) {
  return {to_optional_id(bucket, "id"), bucket.at("name"), to_bucket_state(bucket),
          bucket.at("priority").get<uint8_t>(), to_reasons(bucket.at("subscriptions"))};
}

StreamDescription to_stream(const Json& stream) {
  StreamDescription description{stream.at("name"), stream.at("is_default"), {}};
  for (const Json& error : stream.at("errors")) {
    const Json& subscription = error.at("subscription");
    StreamFailure failure{{}, error.at("message")};
    if (subscription.is_number()) failure.subscription = subscription.get<uint32_t>();
    description.errors.push_back(std::move(failure));
  }
  return description;
}

Resolution to_resolution(const Json& json) {
  Resolution resolution;
  resolution.commit = to_id(json.at("commit"));
  resolution.op_id = to_id(json.at("op_id"));
  resolution.write_checkpoint = to_optional_id(json, "write_checkpoint");
  for (const Json& bucket : json.at("buckets")) {
    resolution.buckets.push_back(to_resolved_bucket(bucket));
  }
  for (const Json& stream : json.at("streams")) resolution.streams.push_back(to_stream(stream));
  resolution.dependencies = json.at("dependencies").get<std::vector<int64_t>>();
  return resolution;
}

ChangedBucket to_changed_bucket(const Json& bucket) {
  ChangedBucket changed{to_id(bucket.at("id")), {}, to_bucket_state(bucket)};
  if (auto name = bucket.find("name"); name != bucket.end() && name->is_string()) {
    changed.name = name->get<std::string>();
  }
  return changed;
}

Changes to_changes(const Json& json) {
  Changes changes;
  changes.commit = to_id(json.at("commit"));
  changes.op_id = to_id(json.at("op_id"));
  changes.complete = json.at("complete");
  changes.config_changed = json.at("config_changed");
  for (const Json& bucket : json.at("buckets")) {
    changes.buckets.push_back(to_changed_bucket(bucket));
  }
  changes.dependencies = json.at("dependencies").get<std::vector<int64_t>>();
  for (const Json& acknowledged : json.at("write_checkpoints")) {
    changes.write_checkpoints.push_back({acknowledged.at("user_id"),
                                         text_or_empty(acknowledged.at("client_id")),
                                         to_id(acknowledged.at("id"))});
  }
  return changes;
}

/// Zero for what is not known, such as the rate of a worker that has not written yet.
template <class Number>
Number number_or_zero(const Json& object, const char* name) {
  const Json& value = object.at(name);
  return value.is_null() ? Number{0} : value.get<Number>();
}

ReplicationStatus to_status(const Json& json) {
  ReplicationStatus status;
  status.state = json.at("state");
  status.has_active_config = !json.at("active_config").is_null();
  status.lag_bytes = number_or_zero<int64_t>(json, "lag_bytes");
  status.lag_seconds = number_or_zero<double>(json, "lag_seconds");
  status.operations_per_second = number_or_zero<double>(json, "operations_per_second");
  status.tables_to_copy = number_or_zero<int64_t>(json, "tables_to_copy");
  status.row_errors = number_or_zero<int64_t>(json, "row_errors");
  status.operation_bytes = number_or_zero<int64_t>(json, "operation_bytes");
  status.lookup_bytes = number_or_zero<int64_t>(json, "lookup_bytes");
  status.row_bytes = number_or_zero<int64_t>(json, "row_bytes");
  return status;
}

/// The JSON is the extension's, not a client's: that its shape is wrong is a defect, and nlohmann
/// tells where by an exception, which ends here.
template <class Decode>
auto decode(const char* function, std::string_view text, Decode to_value)
    -> Result<decltype(to_value(Json())), StorageError> {
  try {
    return to_value(Json::parse(text));
  } catch (const std::exception& error) {
    return StorageError{"XX000",
                        std::string(function) + " answered in an unknown form: " + error.what() +
                            "; do the versions match?",
                        "", false};
  }
}

}  // namespace

Result<Resolution, StorageError> decode_resolution(std::string_view json) {
  return decode("brigade.resolve", json, to_resolution);
}

Result<Changes, StorageError> decode_changes(std::string_view json, int64_t after) {
  Result<Changes, StorageError> changes = decode("brigade.changes", json, to_changes);
  if (changes) changes->after = after;
  return changes;
}

Result<ReplicationStatus, StorageError> decode_status(std::string_view json) {
  return decode("brigade.sidecar_status", json, to_status);
}

}  // namespace brigade::sidecar
