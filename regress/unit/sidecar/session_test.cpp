#include <gtest/gtest.h>

#include <algorithm>

#include "test_session.h"

namespace brigade::sidecar {
namespace {

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

std::string diff(const std::string& op_id, const std::string& updated) {
  return "{\"checkpoint_diff\":{\"last_op_id\":\"" + op_id +
         "\",\"removed_buckets\":[],\"updated_buckets\":[" + updated + "]}}\n";
}

std::string described(const std::string& name, int op_id, int count, int priority) {
  return "{\"bucket\":\"" + name + "\",\"checksum\":" + std::to_string(op_id) +
         ",\"count\":" + std::to_string(count) + ",\"priority\":" + std::to_string(priority) +
         ",\"subscriptions\":[{\"default\":0}]}";
}

std::string put(int op_id) {
  return "{\"op_id\":\"" + std::to_string(op_id) +
         "\",\"op\":\"PUT\",\"object_type\":\"lists\",\"object_id\":\"\",\"checksum\":1,"
         "\"subkey\":\"s\",\"data\":\"{}\"}";
}

std::string data(const std::string& bucket, int after, const std::string& operations, int next) {
  return "{\"data\":{\"bucket\":\"" + bucket + "\",\"after\":\"" + std::to_string(after) +
         "\",\"has_more\":false,\"data\":[" + operations + "],\"next_after\":\"" +
         std::to_string(next) + "\"}}\n";
}

std::string complete(int op_id) {
  return "{\"checkpoint_complete\":{\"last_op_id\":\"" + std::to_string(op_id) + "\"}}\n";
}

std::string partial(int op_id, int priority) {
  return "{\"partial_checkpoint_complete\":{\"last_op_id\":\"" + std::to_string(op_id) +
         "\",\"priority\":" + std::to_string(priority) + "}}\n";
}

TEST_F(SessionTest, HigherPriorityInterruptsADownload) {
  auto client = open();
  client->settle();
  client->take_sent();
  storage_.rows_per_read = 1;
  write({2});
  client->take_wanted();
  // b is being read for checkpoint 1 when a, of a higher priority, changes.
  write({1});
  client->settle();
  EXPECT_EQ(client->take_sent(), diff("1", described("b", 1, 1, 3)) +
                                     diff("2", described("a", 2, 1, 1)) + data("a", 0, put(2), 2) +
                                     partial(2, 1) + data("b", 0, put(1), 1) + complete(2));
}

TEST_F(SessionTest, SmallBucketsAreReadInOneGo) {
  write({1, 2});
  auto client = open();
  client->settle();
  EXPECT_TRUE(client->take_sent().ends_with(data("a", 0, put(1), 1) + partial(2, 1) +
                                            data("b", 0, put(2), 2) + complete(2)));
  EXPECT_EQ(storage_.read_count, 1);
  EXPECT_EQ(client->session.counters().operations, 2U);
}

TEST_F(SessionTest, WhatAReadInOneGoLeftOutIsReadLater) {
  write({1, 2});
  storage_.ranges_per_read = 1;
  auto client = open();
  client->settle();
  EXPECT_TRUE(client->take_sent().ends_with(data("a", 0, put(1), 1) + partial(2, 1) +
                                            data("b", 0, put(2), 2) + complete(2)));
  EXPECT_EQ(storage_.read_count, 2);
}

TEST_F(SessionTest, LargeBucketsAreReadOneByOne) {
  write({1, 2});
  resolution_.buckets[0].state.count = 100'000;
  auto client = open();
  client->settle();
  EXPECT_TRUE(client->take_sent().ends_with(complete(2)));
  EXPECT_EQ(storage_.read_count, 2);
}

TEST_F(SessionTest, AReadInOneGoThatFailsIsMadeGood) {
  write({1, 2});
  auto client = open();
  storage_.broken = true;
  while (client->session.bucket_count() == 0) storage_.answer_one();
  client->settle();
  client->take_sent();
  storage_.broken = false;
  client->session.on_storage_recovered();
  client->settle();
  EXPECT_EQ(client->take_sent(),
            data("a", 0, put(1), 1) + partial(2, 1) + data("b", 0, put(2), 2) + complete(2));
}

TEST_F(SessionTest, EqualPriorityWaitsForTheCompletion) {
  auto client = open();
  client->settle();
  client->take_sent();
  write({2});
  client->take_wanted();
  write({2});
  client->settle();
  EXPECT_EQ(client->take_sent(), diff("1", described("b", 1, 1, 3)) + data("b", 0, put(1), 1) +
                                     complete(1) + diff("2", described("b", 2, 2, 3)) +
                                     data("b", 1, put(2), 2) + complete(2));
}

TEST_F(SessionTest, InvalidatedCheckpointIsNotCompleted) {
  auto client = open();
  client->settle();
  client->take_sent();
  write({2});
  storage_.buckets[2][1].target_op_id = 2;
  client->settle();
  EXPECT_EQ(client->take_sent(), diff("1", described("b", 1, 1, 3)) + data("b", 0, put(1), 1));
  write({2});
  client->settle();
  EXPECT_EQ(client->take_sent(),
            diff("2", described("b", 2, 2, 3)) + data("b", 1, put(2), 2) + complete(2));
}

TEST_F(SessionTest, NoCheckpointBeforeAMergedOperationIsCompleted) {
  auto client = open();
  client->settle();
  write({2});
  storage_.buckets[2][1].target_op_id = 3;
  client->settle();
  client->take_sent();
  // The client misses what operation 3 replaced, also at checkpoint 2.
  write({1});
  client->settle();
  EXPECT_EQ(client->take_sent(), diff("2", described("a", 2, 1, 1)) + data("a", 0, put(2), 2));
  write({2});
  client->settle();
  EXPECT_EQ(client->take_sent(),
            diff("3", described("b", 3, 2, 3)) + data("b", 1, put(3), 3) + complete(3));
}

TEST_F(SessionTest, ClearBeyondTheCheckpointInvalidatesIt) {
  auto client = open();
  client->settle();
  client->take_sent();
  write({2});
  FakeStorage::StoredOperation clear(2);
  clear.kind = OperationKind::clear;
  clear.data = {};
  storage_.buckets[2] = {{2, clear}};
  client->settle();
  EXPECT_EQ(client->take_sent(), diff("1", described("b", 1, 1, 3)));
  op_id_ = 2;
  Changes changes;
  changes.buckets.push_back({2, {}, {2, 1, 2}});
  commit(changes);
  client->settle();
  EXPECT_EQ(client->take_sent(), diff("2", described("b", 2, 1, 3)) +
                                     data("b", 1, R"({"op_id":"2","op":"CLEAR","checksum":1})", 2) +
                                     complete(2));
}

TEST_F(SessionTest, NothingIsCompleteWithoutADroppedBucket) {
  auto client = open();
  client->settle();
  client->take_sent();
  write({2});
  storage_.buckets.erase(2);
  client->settle();
  EXPECT_EQ(client->take_sent(), diff("1", described("b", 1, 1, 3)));
  // The deploy that dropped b comes to be known.
  resolution_.buckets.pop_back();
  Changes changes;
  changes.config_changed = true;
  commit(changes);
  client->settle();
  EXPECT_EQ(client->take_sent(),
            R"({"checkpoint_diff":{"last_op_id":"1","removed_buckets":["b"],"updated_buckets":[]}})"
            "\n" +
                complete(1));
}

TEST_F(SessionTest, UntouchedSessionsDoNothing) {
  auto client = open();
  client->settle();
  client->take_sent();
  op_id_++;
  storage_.buckets[3][op_id_] = {op_id_};
  Changes changes;
  changes.buckets.push_back({3, "c", {op_id_, 1, 1}});
  changes.dependencies = {8};
  commit(changes);
  client->settle();
  EXPECT_EQ(client->take_sent(), "");
  EXPECT_EQ(storage_.resolve_count, 1);
}

TEST_F(SessionTest, ManySessionsShareOneRead) {
  std::vector<std::unique_ptr<TestSession>> clients;
  for (int i = 0; i < 10; i++) clients.push_back(open());
  clients.push_back(open(LineFormat::bson));
  for (auto& client : clients) client->settle();
  storage_.read_count = 0;
  write({1});
  for (auto& client : clients) client->take_wanted();
  for (auto& client : clients) client->settle();
  EXPECT_EQ(storage_.read_count, 1);
  for (auto& client : clients) EXPECT_NE(client->take_sent().find("complete"), std::string::npos);
}

TEST_F(SessionTest, SlowClientStopsReading) {
  storage_.rows_per_read = 1;
  for (int i = 0; i < 5; i++) write({1});
  auto client = open();
  storage_.answer_one();  // the resolution
  client->take_wanted();
  client->is_writable = false;
  client->settle();
  // The batch that was asked for, and the one read ahead.
  EXPECT_LE(storage_.read_count, 2);
  for (int i = 0; i < 50; i++) write({1});
  client->settle();
  EXPECT_LE(storage_.read_count, 2);
  client->take_sent();
  client->is_writable = true;
  client->session.on_drained();
  client->settle();
  EXPECT_NE(client->take_sent().find(complete(55)), std::string::npos);
}

TEST_F(SessionTest, DependencyChangeResolvesAgain) {
  auto client = open();
  client->settle();
  client->take_sent();
  resolution_.buckets.pop_back();
  write({1}, {7});
  EXPECT_EQ(client->take_sent(), "");  // Nothing is said of a state whose buckets are not known.
  client->settle();
  EXPECT_EQ(client->take_sent(),
            "{\"checkpoint_diff\":{\"last_op_id\":\"1\",\"removed_buckets\":[\"b\"],"
            "\"updated_buckets\":[" +
                described("a", 1, 1, 1) + "]}}\n" + data("a", 0, put(1), 1) + complete(1));
}

TEST_F(SessionTest, ADownloadGoesOnWhenBucketsComeInAnotherOrder) {
  auto client = open();
  client->settle();
  client->take_sent();
  write({1, 2});
  std::reverse(resolution_.buckets.begin(), resolution_.buckets.end());
  write({}, {7});
  // The buckets' rows are read ahead, and the new resolution comes before they are looked at.
  storage_.answer_one();
  storage_.answer_one();
  client->settle();
  EXPECT_EQ(client->take_sent(),
            diff("2", described("a", 1, 1, 1) + "," + described("b", 2, 1, 3)) +
                data("a", 0, put(1), 1) + partial(2, 1) + data("b", 0, put(2), 2) + complete(2));
}

TEST_F(SessionTest, DataOfABucketThatIsNoLongerWantedIsNotSent) {
  auto client = open();
  client->settle();
  client->take_sent();
  write({1, 2});
  client->take_sent();
  client->is_writable = false;
  resolution_.buckets.erase(resolution_.buckets.begin());
  write({}, {7});
  // The buckets' rows are read ahead, and the new resolution comes before they are looked at.
  storage_.answer_one();
  storage_.answer_one();
  client->settle();
  client->is_writable = true;
  client->session.on_drained();
  client->settle();
  EXPECT_EQ(client->take_sent(),
            R"({"checkpoint_diff":{"last_op_id":"2","removed_buckets":["a"],"updated_buckets":[]}})"
            "\n" +
                data("b", 0, put(2), 2) + complete(2));
}

TEST_F(SessionTest, ReasonOnlyChangeIsAnnouncedOnce) {
  auto client = open();
  client->settle();
  client->take_sent();
  resolution_.buckets[1].reasons = {{false, 4}};
  write({}, {7});
  client->settle();
  EXPECT_EQ(client->take_sent(), diff("0",
                                      "{\"bucket\":\"b\",\"checksum\":0,\"count\":0,\"priority\":3,"
                                      "\"subscriptions\":[{\"sub\":4}]}") +
                                     complete(0));
  write({}, {7});
  client->settle();
  EXPECT_EQ(client->take_sent(), "");
}

TEST_F(SessionTest, ResolutionOvertakenByAChangeIsMadeAgain) {
  auto client = open();
  Resolution stale = resolution_;
  storage_.on_resolve = [stale]() -> Result<Resolution, StorageError> { return stale; };
  resolution_.buckets.pop_back();
  write({}, {7});
  storage_.answer_one();
  EXPECT_EQ(storage_.resolve_count, 2);
  storage_.on_resolve = [this]() -> Result<Resolution, StorageError> { return resolution_; };
  client->settle();
  EXPECT_EQ(client->take_sent().find("\"b\""), std::string::npos);
}

TEST_F(SessionTest, OlderResolutionGetsTheChangesSince) {
  write({1});
  auto client = open();
  Resolution older = resolution_;
  storage_.on_resolve = [older]() -> Result<Resolution, StorageError> { return older; };
  write({1});
  client->settle();
  std::string sent = client->take_sent();
  EXPECT_NE(sent.find(described("a", 2, 2, 1)), std::string::npos);
  EXPECT_NE(sent.find("\"last_op_id\":\"2\""), std::string::npos);
}

TEST_F(SessionTest, NewerResolutionWaitsForTheHub) {
  Resolution newer = resolution_;
  newer.commit += 1;
  newer.buckets[0].state = {1, 1, 1};
  storage_.on_resolve = [newer]() -> Result<Resolution, StorageError> { return newer; };
  auto client = open();
  client->settle();
  EXPECT_EQ(client->take_sent(), "");
  EXPECT_EQ(polls_, 1);
  write({1});
  client->settle();
  EXPECT_NE(client->take_sent().find(described("a", 1, 1, 1)), std::string::npos);
}

TEST_F(SessionTest, PrunedLogResolvesEverybodyAndMissesNothing) {
  write({1});
  auto client = open();
  client->settle();
  client->take_sent();
  // Two commits whose changes the hub never sees.
  for (int i = 0; i < 2; i++) {
    int64_t op_id = ++op_id_;
    storage_.buckets[1][op_id] = {op_id};
    resolution_.buckets[0].state = {op_id, op_id, static_cast<int32_t>(op_id)};
  }
  Changes changes;
  changes.complete = false;
  commit(changes);
  client->settle();
  EXPECT_EQ(client->take_sent(), diff("3", described("a", 3, 3, 1)) +
                                     data("a", 1, put(2) + "," + put(3), 3) + complete(3));
}

TEST_F(SessionTest, BucketCreatedLaterIsFoundByName) {
  resolution_.buckets[0].id.reset();
  auto client = open();
  client->settle();
  client->take_sent();
  op_id_++;
  storage_.buckets[40][op_id_] = {op_id_};
  Changes changes;
  changes.buckets.push_back({40, "a", {op_id_, 1, 1}});
  commit(changes);
  client->settle();
  EXPECT_EQ(client->take_sent(),
            diff("1", described("a", 1, 1, 1)) + data("a", 0, put(1), 1) + complete(1));
}

TEST_F(SessionTest, WriteCheckpointIsRepeatedInLaterDiffs) {
  auto client = open();
  client->settle();
  client->take_sent();
  Changes changes;
  changes.write_checkpoints = {{"u", "c", 5}, {"u", "other", 9}};
  commit(changes);
  client->settle();
  EXPECT_EQ(client->take_sent(),
            "{\"checkpoint_diff\":{\"last_op_id\":\"0\",\"write_checkpoint\":\"5\","
            "\"removed_buckets\":[],\"updated_buckets\":[]}}\n" +
                complete(0));
  write({1});
  client->settle();
  EXPECT_NE(client->take_sent().find("\"write_checkpoint\":\"5\""), std::string::npos);
}

TEST_F(SessionTest, ChangedStreamsSendAFullCheckpoint) {
  auto client = open();
  client->settle();
  client->take_sent();
  resolution_.streams.push_back({"t", true, {}});
  Changes changes;
  changes.config_changed = true;
  commit(changes);
  client->settle();
  EXPECT_EQ(client->take_sent().find("{\"checkpoint\":"), 0U);
}

TEST_F(SessionTest, KeepaliveNoticeAndExpiry) {
  auto client = open();
  client->settle();
  client->take_sent();
  EXPECT_EQ(client->timer_at, 1'020'000);
  client->now = client->timer_at;
  client->session.on_timer();
  EXPECT_EQ(client->take_sent(), "{\"token_expires_in\":8980}\n");
  client->now = 9'980'000;
  client->session.on_timer();
  EXPECT_EQ(client->take_sent(), "{\"token_expires_in\":20}\n");
  EXPECT_EQ(client->timer_at, 10'000'000);
  client->now = client->timer_at;
  client->session.on_timer();
  EXPECT_EQ(client->take_sent(), "{\"token_expires_in\":0}\n");
  EXPECT_TRUE(client->ended);
  EXPECT_EQ(client->reason, CloseReason::token_expired);
}

TEST_F(SessionTest, TransientFailuresPauseTheStream) {
  auto client = open();
  client->settle();
  client->take_sent();
  storage_.broken = true;
  write({1});
  client->settle();
  EXPECT_EQ(client->take_sent(), diff("1", described("a", 1, 1, 1)));
  EXPECT_FALSE(client->ended);
  storage_.broken = false;
  client->session.on_storage_recovered();
  client->settle();
  EXPECT_EQ(client->take_sent(), data("a", 0, put(1), 1) + complete(1));
}

TEST_F(SessionTest, FailuresThatPassWithoutAWordEndWithTheNextKeepalive) {
  auto client = open();
  client->settle();
  storage_.broken = true;
  write({1});
  client->settle();
  client->take_sent();
  storage_.broken = false;
  client->now = client->timer_at;
  client->session.on_timer();
  client->settle();
  EXPECT_TRUE(client->take_sent().ends_with(data("a", 0, put(1), 1) + complete(1)));
}

TEST_F(SessionTest, FirstResolutionThatFailsRefusesTheClient) {
  storage_.on_resolve = []() -> Result<Resolution, StorageError> {
    return StorageError{"BR001", "no config", "", false};
  };
  auto client = open();
  client->settle();
  EXPECT_TRUE(client->refusal);
  EXPECT_EQ(client->take_sent(), "");
}

TEST_F(SessionTest, LeavingFreesEverything) {
  {
    auto first = open();
    auto second = open();
    first->settle();
    second->settle();
    EXPECT_EQ(hub_.bucket_count(), 2U);
    first.reset();
    EXPECT_EQ(hub_.bucket_count(), 2U);
    write({1});
    second->settle();
    EXPECT_NE(second->take_sent().find(complete(1)), std::string::npos);
  }
  EXPECT_EQ(hub_.bucket_count(), 0U);
  EXPECT_EQ(hub_.member_count(), 0U);
}

}  // namespace
}  // namespace brigade::sidecar
