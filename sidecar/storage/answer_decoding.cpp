#include "storage/answer_decoding.h"

#include <nlohmann/json.hpp>

namespace brigade::sidecar {

using Json = nlohmann::json;

namespace {

/// Op ids come as strings, other ids as numbers.
int64_t to_id(const Json& value) {
  return value.is_string() ? std::stoll(value.get_ref<const std::string&>()) : value.get<int64_t>();
}

BucketState to_bucket_state(const Json& bucket) {
  return {to_id(bucket.at("last_op_id")), bucket.at("count").get<int64_t>(),
          static_cast<int32_t>(bucket.at("checksum").get<int64_t>())};
}

std::string text_or_empty(const Json& value) {
  return value.is_null() ? "" : value.get<std::string>();
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

CompactionStatus to_compaction_status(const Json& json) {
  return {json.at("compactions"),   json.at("examined"),   json.at("moved"),
          json.at("deleted"),       json.at("reappended"), json.at("buckets_due"),
          json.at("behind_seconds")};
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
  status.compaction = to_compaction_status(json.at("compaction"));
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
    return unknown_form(function, error.what());
  }
}

}  // namespace

StorageError unknown_form(const char* function, const std::string& problem) {
  return {"XX000",
          std::string(function) + " answered in an unknown form: " + problem +
              "; do the versions match?",
          "", false};
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
