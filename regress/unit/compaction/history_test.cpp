#include "compaction/history.h"

#include <gtest/gtest.h>

#include "world.h"

namespace brigade::test {
namespace {

constexpr unsigned rounds = 300;

std::string kinds(const Bucket& bucket) {
  std::string text;
  for (const HistoryEntry& entry : bucket.stored()) text += entry.kind;
  return text;
}

std::string compacted(std::string_view operations, size_t chunk_size = 100) {
  std::mt19937 random(1);
  Bucket bucket(random);
  // "Pa" puts row a, "Ra" removes it.
  for (size_t i = 0; i + 1 < operations.size(); i += 2) {
    bucket.append(operations[i], static_cast<uint64_t>(operations[i + 1]));
  }
  const ReducedBucket before = bucket.stored_truth();
  Compaction(bucket, 100, chunk_size).run();
  EXPECT_EQ(bucket.stored_truth(), before);
  return kinds(bucket);
}

TEST(History, LeavesRowsThatAreThereOnce) { EXPECT_EQ(compacted("PaPbPc"), "PPP"); }

TEST(History, MovesWhatALaterOperationReplaces) {
  EXPECT_EQ(compacted("PaPbPbPc"), "PMPP");
  EXPECT_EQ(compacted("PaPbRb"), "PMR");
}

TEST(History, ClearsWhatPrecedesTheOldestRow) {
  EXPECT_EQ(compacted("PaPbPaPb"), "CPP");
  EXPECT_EQ(compacted("PaRaPb"), "CP");
  EXPECT_EQ(compacted("PaRa"), "C");
}

TEST(History, EndsTheSameWhateverTheChunks) {
  for (size_t chunk_size = 1; chunk_size < 8; chunk_size++) {
    EXPECT_EQ(compacted("PaPbPaPbRcPcPaPb", chunk_size), "CPPP") << chunk_size;
  }
}

TEST(History, LeavesALoneClearAlone) {
  std::mt19937 random(1);
  Bucket bucket(random);
  Compaction compaction(bucket, 100, 100);
  bucket.append('P', 1);
  bucket.append('P', 1);
  compaction.run();
  ASSERT_EQ(kinds(bucket), "CP");
  bucket.append('P', 2);
  compaction.step();
  EXPECT_TRUE(compaction.edits().empty());
}

TEST(History, TakesNoRoomForRowsThatAreThereOnce) {
  std::mt19937 random(1);
  Bucket bucket(random);
  for (uint64_t row = 0; row < 30; row++) bucket.append('P', row);
  for (uint64_t row = 0; row < 5; row++) bucket.append('P', row);
  Compaction compaction(bucket, 5, 10);
  compaction.run();
  EXPECT_EQ(compaction.passes(), 1U);
  EXPECT_EQ(bucket.stored().size(), 31U);
}

TEST(History, CountsWhatIsLeft) {
  std::mt19937 random(7);
  Bucket bucket(random);
  for (int i = 0; i < 200; i++) bucket.append_random(20);
  Compaction compaction(bucket, 100, 7);
  int64_t operations = 0, rows = 0, bytes = 0;
  while (compaction.step()) {
    if (!compaction.pass()) continue;
    operations = compaction.pass()->operation_count();
    rows = compaction.pass()->row_count();
    bytes = compaction.pass()->data_bytes();
  }
  EXPECT_EQ(operations, static_cast<int64_t>(bucket.stored().size()));
  EXPECT_EQ(rows, static_cast<int64_t>(bucket.stored_truth().rows.size()));
  EXPECT_EQ(bytes, rows * 10);
}

TEST(History, ClearSaysHowManyOperationsGo) {
  std::mt19937 random(3);
  for (unsigned round = 0; round < rounds; round++) {
    Bucket bucket(random);
    for (int i = 0; i < 40; i++) bucket.append_random(5);
    Compaction compaction(bucket, 3, 1 + random() % 5);
    while (compaction.step()) {
      if (!compaction.pass() || !compaction.edits().clear) continue;
      ASSERT_EQ(compaction.edits().clear->deleted, static_cast<int64_t>(bucket.deleted()));
    }
  }
}

// r(B) = r(r(B[..c]) ∪ B'[c+1..]) for every c, and for every B' a pass leaves behind on its way.
TEST(History, HoldsForAClientFromEveryPosition) {
  std::mt19937 random(20261121);
  for (unsigned round = 0; round < rounds; round++) {
    Bucket bucket(random);
    for (unsigned i = 0; i < 1 + random() % 60; i++) bucket.append_random(1 + random() % 12);
    const ReducedBucket truth = bucket.truth(bucket.last_op_id());
    Compaction compaction(bucket, 1 + random() % 12, 1 + random() % 10);
    while (compaction.step()) {
      for (int64_t position = 0; position <= bucket.last_op_id(); position++) {
        ReducedBucket client = bucket.truth(position);
        for (const auto& entry : bucket.read(position, bucket.last_op_id(), SIZE_MAX)) {
          client.apply(entry);
        }
        ASSERT_EQ(client, truth) << "round " << round << ", from " << position;
      }
    }
  }
}

// Writes, compactions and clients in any order: a checkpoint that a client completes is exact.
TEST(History, CompletesOnlyExactCheckpoints) {
  std::mt19937 random(42);
  size_t completed = 0;
  size_t invalid = 0;
  for (unsigned round = 0; round < rounds; round++) {
    Bucket bucket(random);
    std::vector<Client> clients(4);
    Compaction compaction(bucket, 2 + random() % 10, 1 + random() % 6);
    const uint64_t rows = 1 + random() % 10;
    for (int turn = 0; turn < 300; turn++) {
      if (random() % 3 == 0) bucket.append_random(rows);
      if (random() % 3 == 0) compaction.step();
      if (random() % 50 == 0) compaction.cut_off();
      Client& client = clients[random() % clients.size()];
      if (!client.checkpoint) client.announce(bucket);
      const int64_t checkpoint = *client.checkpoint;
      if (client.download(bucket, 1 + random() % 5)) {
        ASSERT_EQ(client.held, bucket.truth(checkpoint)) << "round " << round << ", turn " << turn;
        client.checkpoint.reset();
        completed++;
      } else if (!client.checkpoint) {
        invalid++;
      }
    }
  }
  // The test has seen both.
  EXPECT_GT(completed, rounds);
  EXPECT_GT(invalid, rounds / 10);
}

TEST(History, EveryClientCompletesOnceNothingIsWritten) {
  std::mt19937 random(99);
  for (unsigned round = 0; round < rounds; round++) {
    Bucket bucket(random);
    for (int i = 0; i < 50; i++) bucket.append_random(6);
    Client client;
    client.announce(bucket);
    for (int i = 0; i < 50; i++) bucket.append_random(6);
    Compaction(bucket, 100, 100).run();
    const bool first = client.download(bucket, SIZE_MAX);
    if (!first) client.announce(bucket);
    ASSERT_TRUE(first || client.download(bucket, SIZE_MAX)) << "round " << round;
    ASSERT_EQ(client.held, bucket.truth(*client.checkpoint)) << "round " << round;
  }
}

// Histories are written as the kinds of what is left after a pass.
std::vector<OldRow> old_rows(std::string_view left, size_t limit = 100) {
  std::vector<OldRow> rows;
  for (size_t i = 0; i < left.size() && rows.size() < limit; i++) {
    if (left[i] == 'P') rows.push_back({static_cast<int64_t>(i), static_cast<int64_t>(i) + 1});
  }
  return rows;
}

size_t chosen(std::string_view left, int64_t wanted, size_t limit = 100) {
  const auto rows = std::count(left.begin(), left.end(), 'P');
  return rows_to_reappend(old_rows(left, limit), static_cast<int64_t>(left.size()), rows, wanted);
}

TEST(Defragmentation, AppendsAsFewRowsAsAreEnough) {
  EXPECT_EQ(chosen("PMMMMMMMMMPP", 4), 1U);
  EXPECT_EQ(chosen("PMMMMPMMMMPP", 5), 2U);
  EXPECT_EQ(chosen("PMMMMPMMMMPP", 9), 1U);
}

TEST(Defragmentation, AppendsAllWhenNothingLessHelps) {
  EXPECT_EQ(chosen("PMMMMMM", 2), 1U);
  EXPECT_EQ(chosen("PMPMPMPM", 5), 4U);
}

TEST(Defragmentation, LeavesWhatWouldNotGetShorter) {
  EXPECT_EQ(chosen("PPPP", 3), 0U);
  EXPECT_EQ(chosen("PPPPM", 3), 0U);
  EXPECT_EQ(chosen("", 0), 0U);
}

TEST(Defragmentation, DoesWhatItCanWithTheRowsItKnows) {
  EXPECT_EQ(chosen("PMMMMPMMMMPP", 3, 2), 1U);
}

TEST(Defragmentation, AHistoryGetsShorter) {
  std::mt19937 random(5);
  for (unsigned round = 0; round < rounds; round++) {
    Bucket bucket(random);
    for (unsigned i = 0; i < 10 + random() % 200; i++) bucket.append_random(1 + random() % 30);
    Compaction compaction(bucket, 100, 100);
    compaction.run();
    const std::string left = kinds(bucket);
    const auto rows = std::count(left.begin(), left.end(), 'P');
    const size_t count = chosen(left, rows + rows / 10 + 1);
    std::vector<uint64_t> old;
    for (const HistoryEntry& entry : bucket.stored()) {
      if (entry.kind == 'P' && old.size() < count) old.push_back(entry.row.low);
    }
    for (const uint64_t row : old) bucket.append('P', row);
    compaction.run();
    if (count > 0) {
      ASSERT_LT(bucket.stored().size(), left.size()) << left;
    }
    if (count == static_cast<size_t>(rows)) {
      ASSERT_EQ(bucket.stored().size(), count + 1) << left;
    }
  }
}

TEST(RowKey, TellsFieldsApart) {
  EXPECT_EQ(row_key(1, "a", "b", "c"), row_key(1, "a", "b", "c"));
  EXPECT_FALSE(row_key(1, "a", "b", "c") == row_key(2, "a", "b", "c"));
  EXPECT_FALSE(row_key(1, "ab", "", "c") == row_key(1, "a", "b", "c"));
}

}  // namespace
}  // namespace brigade::test
