#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "storage/answer_decoding.h"

namespace brigade::sidecar {

using Json = nlohmann::json;

namespace {

/// Where each value stands in the list that describes a bucket.
enum BucketField { id, name, checksum, count, last_op_id, priority, reasons, field_count };

std::vector<Reason> to_reasons(const Json& list) {
  std::vector<Reason> reasons;
  for (const Json& reason : list) {
    bool is_default = reason.contains("default");
    reasons.push_back({is_default, reason.at(is_default ? "default" : "sub")});
  }
  return reasons;
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

/// Takes an answer of `brigade.resolve` in, token by token. Of buckets and dependencies there may
/// be thousands, which go where they belong at once; from all else JSON values are made.
class ResolutionReader {
 public:
  // What nlohmann::json::sax_parse calls.
  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add_number(value); }
  bool number_unsigned(uint64_t value) { return add_number(static_cast<int64_t>(value)); }
  bool number_float(double value, const std::string& /*text*/) { return add(value); }
  bool string(std::string& value);
  bool binary(Json::binary_t& /*value*/) { return false; }
  bool key(std::string& name);
  bool start_object(size_t /*size*/);
  bool end_object() { return end_value(); }
  bool start_array(size_t /*size*/);
  bool end_array();
  static bool parse_error(size_t /*position*/, const std::string& /*token*/,
                          const nlohmann::detail::exception& error) {
    throw std::runtime_error(error.what());
  }

  /// REQUIRES: the whole answer was taken in. Throws if it lacks something.
  Resolution take();

 private:
  enum class Place : uint8_t { values, buckets, bucket, dependencies };

  bool add_number(int64_t value);
  bool add(Json value);
  bool end_value();
  void finish_bucket();

  Place place_ = Place::values;
  std::array<int64_t, field_count> bucket_ = {};
  std::string name_;
  size_t field_ = 0;
  std::vector<size_t> reasons_;  ///< of each bucket, an index of their list
  Resolution resolution_;
  Json root_;
  std::vector<Json*> open_;
  std::vector<std::string> keys_;  ///< of the open objects' next values
};

bool ResolutionReader::string(std::string& value) {
  if (place_ == Place::values) return add(value);
  if (place_ != Place::bucket || field_ != BucketField::name) return false;
  name_ = value;
  field_++;
  return true;
}

bool ResolutionReader::add_number(int64_t value) {
  switch (place_) {
    case Place::values:
      return add(value);
    case Place::dependencies:
      resolution_.dependencies.push_back(value);
      return true;
    case Place::bucket:
      if (field_ == BucketField::name || field_ == bucket_.size()) return false;
      bucket_.at(field_++) = value;
      return true;
    case Place::buckets:
      return false;
  }
  return false;
}

bool ResolutionReader::add(Json value) {
  if (place_ != Place::values) return false;
  Json* target = &root_;
  if (!open_.empty()) {
    Json& parent = *open_.back();
    target = parent.is_array() ? &parent.emplace_back() : &parent[keys_.back()];
  }
  *target = std::move(value);
  if (target->is_structured()) {
    open_.push_back(target);
    keys_.emplace_back();
  }
  return true;
}

bool ResolutionReader::key(std::string& name) {
  keys_.back() = std::move(name);
  return true;
}

bool ResolutionReader::start_object(size_t /*size*/) { return add(Json::object()); }

bool ResolutionReader::start_array(size_t /*size*/) {
  if (place_ == Place::buckets) {
    place_ = Place::bucket;
    field_ = 0;
    return true;
  }
  if (place_ != Place::values) return false;
  if (open_.size() == 1 && keys_.back() == "buckets") place_ = Place::buckets;
  if (open_.size() == 1 && keys_.back() == "dependencies") place_ = Place::dependencies;
  if (place_ == Place::values) return add(Json::array());
  root_[keys_.back()] = true;  // So that one that is missing is noticed.
  return true;
}

bool ResolutionReader::end_array() {
  switch (place_) {
    case Place::values:
      return end_value();
    case Place::bucket:
      if (field_ != field_count) return false;
      finish_bucket();
      place_ = Place::buckets;
      return true;
    case Place::buckets:
    case Place::dependencies:
      place_ = Place::values;
      return true;
  }
  return false;
}

bool ResolutionReader::end_value() {
  open_.pop_back();
  keys_.pop_back();
  return true;
}

void ResolutionReader::finish_bucket() {
  ResolvedBucket& bucket = resolution_.buckets.emplace_back();
  if (bucket_[BucketField::id] != 0) bucket.id = bucket_[BucketField::id];
  bucket.name = std::move(name_);
  bucket.state = {bucket_[BucketField::last_op_id], bucket_[BucketField::count],
                  static_cast<int32_t>(bucket_[BucketField::checksum])};
  bucket.priority = static_cast<uint8_t>(bucket_[BucketField::priority]);
  reasons_.push_back(static_cast<size_t>(bucket_[BucketField::reasons]));
}

Resolution ResolutionReader::take() {
  resolution_.commit = root_.at("commit");
  resolution_.op_id = std::stoll(root_.at("op_id").get_ref<const std::string&>());
  if (const Json& id = root_.at("write_checkpoint"); !id.is_null()) {
    resolution_.write_checkpoint = std::stoll(id.get_ref<const std::string&>());
  }
  for (const char* list : {"buckets", "dependencies"}) {
    if (root_.at(list) != true) throw std::runtime_error(std::string(list) + " is not a list");
  }
  for (const Json& stream : root_.at("streams")) resolution_.streams.push_back(to_stream(stream));
  std::vector<std::vector<Reason>> lists;
  for (const Json& list : root_.at("reasons")) lists.push_back(to_reasons(list));
  for (size_t i = 0; i < reasons_.size(); i++) {
    resolution_.buckets[i].reasons = lists.at(reasons_[i]);
  }
  return std::move(resolution_);
}

}  // namespace

Result<Resolution, StorageError> decode_resolution(std::string_view json) {
  try {
    ResolutionReader reader;
    if (!Json::sax_parse(json, &reader))
      return unknown_form("brigade.resolve", "a value is out of place");
    return reader.take();
  } catch (const std::exception& error) {
    return unknown_form("brigade.resolve", error.what());
  }
}

}  // namespace brigade::sidecar
