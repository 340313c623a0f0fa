#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test_session.h"

namespace brigade::sidecar {

/// One storage, one hub, and buckets "a" (priority 1) and "b" (priority 3).
class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    storage_.on_resolve = [this]() -> Result<Resolution, StorageError> { return resolution_; };
    resolution_.streams = {{"s", true, {}}};
    resolution_.dependencies = {7};
    resolution_.buckets = {bucket(1, "a", 1, 0), bucket(2, "b", 3, 0)};
    commit({});
  }

  static ResolvedBucket bucket(int64_t id, std::string name, uint8_t priority, int64_t last) {
    return {id, std::move(name), {last, last, static_cast<int32_t>(last)}, priority, {{true, 0}}};
  }

  /// Adds one operation to each bucket of `ids` and commits them.
  void write(std::vector<int64_t> ids, std::vector<int64_t> dependencies = {}) {
    Changes changes;
    for (int64_t id : ids) {
      int64_t op_id = ++op_id_;
      storage_.buckets[id][op_id] = {op_id};
      ResolvedBucket& bucket = resolution_.buckets[static_cast<size_t>(id) - 1];
      bucket.state = {op_id, bucket.state.count + 1, static_cast<int32_t>(op_id)};
      changes.buckets.push_back({id, {}, bucket.state});
    }
    changes.dependencies = std::move(dependencies);
    commit(changes);
  }

  void commit(Changes changes) {
    changes.after = hub_.position();
    changes.commit = resolution_.commit = hub_.position() + 1;
    changes.op_id = resolution_.op_id = op_id_;
    hub_.apply(changes);
  }

  std::unique_ptr<TestSession> open(LineFormat format = LineFormat::ndjson_raw) {
    SessionOptions options{"u", "c", format, 10'000'000, {}};
    auto client = std::make_unique<TestSession>(storage_, hub_, batches_, std::move(options));
    client->session.start();
    return client;
  }

  FakeStorage storage_;
  Hub hub_{[this] { polls_++; }};
  BatchReader batches_{storage_, 1 << 20};
  Resolution resolution_;
  int64_t op_id_ = 0;
  int polls_ = 0;
};

// Lines as sessions send them.
inline std::string diff(const std::string& op_id, const std::string& updated) {
  return "{\"checkpoint_diff\":{\"last_op_id\":\"" + op_id +
         "\",\"removed_buckets\":[],\"updated_buckets\":[" + updated + "]}}\n";
}

inline std::string described(const std::string& name, int op_id, int count, int priority) {
  return "{\"bucket\":\"" + name + "\",\"checksum\":" + std::to_string(op_id) +
         ",\"count\":" + std::to_string(count) + ",\"priority\":" + std::to_string(priority) +
         ",\"subscriptions\":[{\"default\":0}]}";
}

inline std::string put(int op_id) {
  return "{\"op_id\":\"" + std::to_string(op_id) +
         "\",\"op\":\"PUT\",\"object_type\":\"lists\",\"object_id\":\"\",\"checksum\":1,"
         "\"subkey\":\"s\",\"data\":\"{}\"}";
}

inline std::string data(const std::string& bucket, int after, const std::string& operations,
                        int next) {
  return "{\"data\":{\"bucket\":\"" + bucket + "\",\"after\":\"" + std::to_string(after) +
         "\",\"has_more\":false,\"data\":[" + operations + "],\"next_after\":\"" +
         std::to_string(next) + "\"}}\n";
}

inline std::string complete(int op_id) {
  return "{\"checkpoint_complete\":{\"last_op_id\":\"" + std::to_string(op_id) + "\"}}\n";
}

inline std::string partial(int op_id, int priority) {
  return "{\"partial_checkpoint_complete\":{\"last_op_id\":\"" + std::to_string(op_id) +
         "\",\"priority\":" + std::to_string(priority) + "}}\n";
}

}  // namespace brigade::sidecar
