// How sessions follow changes of what they are entitled to, failures, and time.
#include <gtest/gtest.h>

#include <algorithm>

#include "session_fixture.h"

namespace brigade::sidecar {
namespace {

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

TEST_F(SessionTest, BucketsThatComeAndGoUnannouncedAreNotMentioned) {
  const ResolvedBucket b = resolution_.buckets[1];
  resolution_.buckets.pop_back();
  auto client = open();
  client->settle();
  client->take_sent();
  client->is_writable = false;
  resolution_.buckets.push_back(b);
  write({}, {7});
  client->settle();
  resolution_.buckets.pop_back();
  write({1}, {7});
  client->settle();
  client->is_writable = true;
  client->session.on_drained();
  client->settle();
  EXPECT_EQ(client->take_sent(),
            diff("1", described("a", 1, 1, 1)) + data("a", 0, put(1), 1) + complete(1));
}

TEST_F(SessionTest, ABucketThatIsBackBeforeItsRemovalIsAnnouncedStays) {
  write({2});
  const ResolvedBucket b = resolution_.buckets[1];
  auto client = open();
  client->settle();
  client->take_sent();
  client->is_writable = false;
  resolution_.buckets.pop_back();
  write({}, {7});
  client->settle();
  resolution_.buckets.push_back(b);
  write({2}, {7});
  client->settle();
  client->is_writable = true;
  client->session.on_drained();
  client->settle();
  EXPECT_EQ(client->take_sent(),
            diff("2", described("b", 2, 2, 3)) + data("b", 1, put(2), 2) + complete(2));
}

TEST_F(SessionTest, NothingIsCompleteWhenTheLastBucketOfARoundIsTakenAway) {
  auto client = open();
  client->settle();
  write({1});
  client->take_sent();
  resolution_.buckets.erase(resolution_.buckets.begin());
  write({}, {7});
  storage_.answer_one();  // The new resolution, before the data.
  client->settle();
  EXPECT_EQ(client->take_sent(),
            R"({"checkpoint_diff":{"last_op_id":"1","removed_buckets":["a"],"updated_buckets":[]}})"
            "\n" +
                complete(1));
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
