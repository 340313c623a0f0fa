// Plays what the reference was seen to send: the same storage contents and events must make our
// session send the same bytes.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "protocol/stream_request.h"
#include "test_session.h"

namespace brigade::sidecar {
namespace {

using Json = nlohmann::ordered_json;

std::string read_file(const std::string& name) {
  std::ifstream file(CAPTURE_DIRECTORY + name);
  EXPECT_TRUE(file) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

int64_t id_of(const Json& value) { return std::stoll(value.get<std::string>()); }

/// Storage and its events as a recorded stream implies them.
class Replay {
 public:
  explicit Replay(const std::string& name) {
    std::istringstream lines(read_file(name + ".ndjson"));
    for (std::string line; std::getline(lines, line);) {
      lines_.push_back(line + "\n");
      parsed_.push_back(Json::parse(line));
    }
    Json request = Json::parse(read_file(name + ".json"))["request"]["body"];
    request_ = *parse_stream_request(request.dump());
    for (const auto& [bucket, after] : request_.positions) last_op_ids_[bucket] = after;
    for (const Json& line : parsed_) {
      if (line.contains("data")) store(line["data"]);
    }
  }

  /// Plays all lines and compares.
  void run() {
    storage_.on_resolve = [this] { return resolution_; };
    SessionOptions options{"u1", request_.client_id,
                           request_.raw_data ? LineFormat::ndjson_raw : LineFormat::ndjson_nested,
                           86'400'000'000, std::move(request_.positions)};
    TestSession client(storage_, hub_, batches_, std::move(options));
    for (size_t i = 0; i < parsed_.size();) i = play_round(client, i);
  }

 private:
  void store(const Json& data) {
    auto& bucket = storage_.buckets[bucket_id(data["bucket"])];
    for (const Json& op : data["data"]) {
      FakeStorage::StoredOperation stored{id_of(op["op_id"])};
      stored.kind = static_cast<OperationKind>(op["op"].get<std::string>()[0]);
      stored.checksum = op["checksum"];
      stored.object_type = op.value("object_type", "");
      stored.object_id = op.value("object_id", "");
      stored.subkey = op.value("subkey", "");
      stored.data.reset();
      if (op.contains("data") && op["data"].is_string()) stored.data = op["data"];
      if (op.contains("data") && op["data"].is_object()) stored.data = op["data"].dump();
      bucket[stored.op_id] = stored;
    }
  }

  int64_t bucket_id(const std::string& name) {
    return ids_.emplace(name, static_cast<int64_t>(ids_.size()) + 1).first->second;
  }

  /// A round: checkpoint or diff, or one token line, up to the next such line.
  size_t play_round(TestSession& client, size_t first) {
    size_t end = first + 1;
    auto begins_round = [](const Json& line) {
      return line.contains("checkpoint") || line.contains("checkpoint_diff") ||
             line.contains("token_expires_in");
    };
    while (end < parsed_.size() && !begins_round(parsed_[end])) end++;
    std::string expected;
    for (size_t i = first; i < end; i++) {
      expected += lines_[i];
      if (!parsed_[i].contains("data")) continue;
      const Json& data = parsed_[i]["data"];
      last_op_ids_[data["bucket"]] = id_of(data["next_after"]);
    }
    const Json& line = parsed_[first];
    if (line.contains("checkpoint")) connect(client, line["checkpoint"]);
    if (line.contains("checkpoint_diff")) commit(line["checkpoint_diff"]);
    if (line.contains("token_expires_in")) pass_time(client, line["token_expires_in"]);
    client.settle();
    EXPECT_EQ(client.take_sent(), expected);
    return end;
  }

  ResolvedBucket to_bucket(const Json& bucket) {
    std::string name = bucket["bucket"];
    ranks_.emplace(name, ranks_.size());
    ResolvedBucket resolved{bucket_id(name),
                            name,
                            {last_op_ids_[name], bucket["count"], bucket["checksum"]},
                            bucket["priority"],
                            {}};
    for (const Json& reason : bucket["subscriptions"]) {
      bool is_default = reason.contains("default");
      resolved.reasons.push_back({is_default, reason[is_default ? "default" : "sub"]});
    }
    return resolved;
  }

  void connect(TestSession& client, const Json& checkpoint) {
    hub_.apply(changes(checkpoint));
    resolution_.commit = commit_;
    for (const Json& bucket : checkpoint["buckets"]) {
      resolution_.buckets.push_back(to_bucket(bucket));
    }
    for (const Json& stream : checkpoint["streams"]) {
      resolution_.streams.push_back({stream["name"], stream["is_default"], {}});
      for (const Json& error : stream["errors"]) {
        StreamFailure failure{{}, error["message"]};
        if (error["subscription"].is_number()) failure.subscription = error["subscription"];
        resolution_.streams.back().errors.push_back(failure);
      }
    }
    if (checkpoint.contains("write_checkpoint")) {
      resolution_.write_checkpoint = id_of(checkpoint["write_checkpoint"]);
    }
    resolution_.dependencies = {1};
    client.session.start();
  }

  Changes changes(const Json& checkpoint) {
    Changes changes;
    changes.after = commit_;
    changes.commit = ++commit_;
    changes.op_id = id_of(checkpoint["last_op_id"]);
    return changes;
  }

  void commit(const Json& diff) {
    Changes next = changes(diff);
    std::vector<ResolvedBucket> kept;
    for (const ResolvedBucket& bucket : resolution_.buckets) {
      const Json& removed = diff["removed_buckets"];
      bool gone = std::find(removed.begin(), removed.end(), bucket.name) != removed.end();
      if (!gone) kept.push_back(bucket);
    }
    bool wish_changed = kept.size() != resolution_.buckets.size();
    for (const Json& json : diff["updated_buckets"]) {
      ResolvedBucket updated = to_bucket(json);
      next.buckets.push_back({*updated.id, {}, updated.state});
      auto known = std::find_if(kept.begin(), kept.end(),
                                [&](const auto& bucket) { return bucket.name == updated.name; });
      if (known != kept.end()) {
        *known = updated;
      } else {
        kept.push_back(updated);
        wish_changed = true;
      }
    }
    if (diff.contains("write_checkpoint")) {
      next.write_checkpoints.push_back({"u1", "client-1", id_of(diff["write_checkpoint"])});
    }
    std::stable_sort(kept.begin(), kept.end(),
                     [&](const auto& a, const auto& b) { return ranks_[a.name] < ranks_[b.name]; });
    resolution_.buckets = std::move(kept);
    resolution_.commit = commit_;
    if (wish_changed) next.dependencies = {1};
    hub_.apply(next);
  }

  void pass_time(TestSession& client, int64_t seconds_left) {
    client.now = 86'400'000'000 - seconds_left * 1000;
    client.session.on_timer();
  }

  std::vector<std::string> lines_;
  std::vector<Json> parsed_;
  StreamRequest request_;
  std::map<std::string, int64_t> last_op_ids_;
  std::map<std::string, int64_t> ids_;
  std::map<std::string, size_t> ranks_;  ///< a bucket that comes back keeps its place in the order
  FakeStorage storage_;
  Hub hub_{[] {}};
  BatchReader batches_{storage_, 1 << 20};
  Resolution resolution_;
  int64_t commit_ = 0;
};

class Capture : public testing::TestWithParam<const char*> {};

TEST_P(Capture, SameBytes) { Replay(GetParam()).run(); }

INSTANTIATE_TEST_SUITE_P(Streams, Capture,
                         testing::Values("fresh", "subscriptions", "subscriptions-no-defaults",
                                         "reconnect-uptodate", "reconnect-behind", "raw-data-false",
                                         "write-checkpoint", "write-checkpoint-on-connect",
                                         "user-with-nothing", "no-streams-field", "remove-and-move",
                                         "after-compact-fresh", "token-expires-mid-stream"),
                         [](const auto& capture) {
                           std::string name = capture.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

/// The BSON stream has the documents that the NDJSON form of its lines would give.
TEST(BsonCapture, SameBytes) {
  std::string bytes = read_file("bson-raw-data-false.bson");
  // The first document is the checkpoint that PROTOCOL describes; its values are from the capture.
  std::vector<Reason> first{{true, 0}};
  std::vector<Reason> second{{true, 2}};
  std::vector<Reason> third{{true, 1}};
  std::vector<BucketDescription> buckets{
      {"1#user_lists|0[\"u1\"]", {0, 9, 1904927935}, 1, first},
      {"1#global|0[]", {0, 28, 1762339548}, 3, second},
      {"1#user_todos|0[\"22222222-2222-4222-8222-222222222222\"]", {0, 7, 1538176386}, 3, third},
      {"1#user_todos|0[\"11111111-1111-4111-8111-111111111111\"]", {0, 8, -1391129057}, 3, third}};
  std::vector<StreamDescription> streams{
      {"user_lists", true, {}}, {"user_todos", true, {}}, {"global", true, {}}};
  std::string checkpoint = encode_checkpoint(LineFormat::bson, {73, 100}, buckets, streams);
  EXPECT_EQ(checkpoint, bytes.substr(0, checkpoint.size()));
  std::string complete = encode_complete(LineFormat::bson, 74);
  EXPECT_EQ(complete, bytes.substr(bytes.size() - complete.size()));
  Operation operation{74,
                      OperationKind::put,
                      "settings",
                      "lang",
                      "7b9853dd-99fa-48a5-ae1b-cc3d53314b51/46db49a0-870a-588b-a719-4253169dc5a6",
                      3671117922U,
                      "{\"id\":\"lang\",\"v\":\"bson-raw-data-false\"}",
                      0};
  std::string data = encode_data(LineFormat::bson, {"1#global|0[]", 73, 74, false}, {operation});
  EXPECT_EQ(data, bytes.substr(bytes.size() - complete.size() - data.size(), data.size()));
}

}  // namespace
}  // namespace brigade::sidecar
