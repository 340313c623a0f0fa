// What sessions announce, download and complete.
#include <gtest/gtest.h>

#include <numeric>

#include "session_fixture.h"

namespace brigade::sidecar {
namespace {

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
  storage_.rows_per_read = 1;
  auto client = open();
  client->settle();
  EXPECT_TRUE(client->take_sent().ends_with(data("a", 0, put(1), 1) + partial(2, 1) +
                                            data("b", 0, put(2), 2) + complete(2)));
  EXPECT_EQ(storage_.read_count, 2);
}

TEST_F(SessionTest, TheNextGroupOfSmallBucketsIsReadWhileOneIsSent) {
  resolution_.buckets.clear();
  for (int64_t id = 1; id <= 2500; id++) {
    resolution_.buckets.push_back(bucket(id, "b" + std::to_string(10'000 + id), 3, 0));
  }
  std::vector<int64_t> ids(2500);
  std::iota(ids.begin(), ids.end(), 1);
  write(ids);
  auto client = open();
  storage_.answer_one();  // the resolution
  EXPECT_EQ(storage_.read_count, 2);
  client->take_wanted();
  storage_.answer_one();
  client->take_wanted();
  EXPECT_EQ(client->session.counters().operations, 1000U);
  // It waits for the second group; the third comes when that is here.
  EXPECT_EQ(storage_.read_count, 3);
  client->settle();
  EXPECT_EQ(storage_.read_count, 3);
  EXPECT_TRUE(client->take_sent().ends_with(complete(2500)));
}

TEST_F(SessionTest, SmallBucketsKeptInAnotherFormatAreReadInOneGo) {
  write({1, 2});
  auto first = open(LineFormat::bson);
  first->settle();
  auto second = open();
  second->settle();
  EXPECT_TRUE(second->take_sent().ends_with(complete(2)));
  EXPECT_EQ(storage_.read_count, 2);
}

TEST_F(SessionTest, SmallBucketsThatWereForgottenAreReadInOneGo) {
  resolution_.buckets.push_back(bucket(3, "c", 3, 0));
  write({1, 2, 3});
  auto client = open();
  storage_.answer_one();  // the resolution
  client->take_wanted();
  client->is_writable = false;
  storage_.answer_one();  // all buckets; one is sent
  batches_.clear();
  client->is_writable = true;
  client->session.on_drained();
  client->settle();
  EXPECT_TRUE(client->take_sent().ends_with(complete(3)));
  EXPECT_EQ(storage_.read_count, 2);
}

TEST_F(SessionTest, SmallBucketsAfterALargeOneWaitForIt) {
  write({1, 2});
  resolution_.buckets[0].state.count = 100'000;
  resolution_.buckets.push_back(bucket(3, "c", 3, 0));
  write({3});
  auto client = open();
  storage_.answer_one();  // the resolution
  client->take_wanted();
  EXPECT_EQ(storage_.read_count, 1);
  client->settle();
  EXPECT_EQ(storage_.read_count, 2);
  EXPECT_TRUE(client->take_sent().ends_with(complete(3)));
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

}  // namespace
}  // namespace brigade::sidecar
