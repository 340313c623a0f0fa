#include <nlohmann/json.hpp>
#include <stdexcept>

#include "storage/answer_decoding.h"
#include "storage/json_cursor.h"

namespace brigade::sidecar {

using Json = nlohmann::json;

namespace {

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

/// Takes an answer of `brigade.resolve` in. Of buckets and dependencies there may be thousands,
/// which go where they belong at once.
class ResolutionReader {
 public:
  explicit ResolutionReader(std::string_view json) : cursor_(json) {}
  Resolution read();

 private:
  void read_member();
  void read_bucket();
  int64_t next_number();
  void take_rest();

  JsonCursor cursor_;
  Resolution resolution_;
  std::vector<size_t> reasons_;  ///< of each bucket, an index of their list
  Json rest_;                    ///< all other members; of these two, that they were there
};

int64_t ResolutionReader::next_number() {
  cursor_.expect(',');
  return cursor_.number();
}

void ResolutionReader::read_bucket() {
  ResolvedBucket& bucket = resolution_.buckets.emplace_back();
  cursor_.expect('[');
  if (int64_t id = cursor_.number(); id != 0) bucket.id = id;
  cursor_.expect(',');
  bucket.name = cursor_.string();
  bucket.state.checksum = static_cast<int32_t>(next_number());
  bucket.state.count = next_number();
  bucket.state.last_op_id = next_number();
  bucket.priority = static_cast<uint8_t>(next_number());
  reasons_.push_back(static_cast<size_t>(next_number()));
  cursor_.expect(']');
}

void ResolutionReader::read_member() {
  std::string key = cursor_.string();
  cursor_.expect(':');
  if (key == "buckets") {
    cursor_.for_each_element([this] { read_bucket(); });
    rest_[key] = true;
  } else if (key == "dependencies") {
    cursor_.for_each_element([this] { resolution_.dependencies.push_back(cursor_.number()); });
    rest_[key] = true;
  } else {
    rest_[key] = cursor_.value();
  }
}

void ResolutionReader::take_rest() {
  for (const char* list : {"buckets", "dependencies"}) {
    if (!rest_.contains(list)) throw std::runtime_error(std::string(list) + " are missing");
  }
  resolution_.commit = rest_.at("commit");
  resolution_.op_id = std::stoll(rest_.at("op_id").get_ref<const std::string&>());
  if (const Json& id = rest_.at("write_checkpoint"); !id.is_null()) {
    resolution_.write_checkpoint = std::stoll(id.get_ref<const std::string&>());
  }
  for (const Json& stream : rest_.at("streams")) resolution_.streams.push_back(to_stream(stream));
  std::vector<std::vector<Reason>> lists;
  for (const Json& list : rest_.at("reasons")) lists.push_back(to_reasons(list));
  for (size_t i = 0; i < reasons_.size(); i++) {
    resolution_.buckets[i].reasons = lists.at(reasons_[i]);
  }
}

Resolution ResolutionReader::read() {
  cursor_.expect('{');
  do {
    read_member();
  } while (cursor_.take(','));
  cursor_.expect('}');
  take_rest();
  return std::move(resolution_);
}

}  // namespace

Result<Resolution, StorageError> decode_resolution(std::string_view json) {
  try {
    return ResolutionReader(json).read();
  } catch (const std::exception& error) {
    return unknown_form("brigade.resolve", error.what());
  }
}

}  // namespace brigade::sidecar
