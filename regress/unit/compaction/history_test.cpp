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

TEST(RowKey, TellsFieldsApart) {
  EXPECT_EQ(row_key(1, "a", "b", "c"), row_key(1, "a", "b", "c"));
  EXPECT_FALSE(row_key(1, "a", "b", "c") == row_key(2, "a", "b", "c"));
  EXPECT_FALSE(row_key(1, "ab", "", "c") == row_key(1, "a", "b", "c"));
}

}  // namespace
}  // namespace brigade::test
