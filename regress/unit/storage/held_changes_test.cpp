#include "storage/held_changes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "compaction/history.h"

namespace brigade {
namespace {

Subkey subkey_of(int row) {
  Subkey subkey{};
  subkey[0] = static_cast<char>(row);
  return subkey;
}

std::string id_of(int row) { return "row " + std::to_string(row); }

std::vector<std::string> describe(const std::vector<HeldChanges::Change>& changes) {
  std::vector<std::string> texts;
  for (const auto& change : changes) {
    texts.push_back(std::to_string(change.row.bucket) + (change.held ? "+" : "-") +
                    change.row.object_id + (change.held_before ? "?" : ""));
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(HeldChanges, TheNewestOperationOnARowCounts) {
  HeldChanges changes;
  changes.enter(1, 7, false);
  changes.put(subkey_of(1), "t", "a", 10);
  changes.put(subkey_of(2), "t", "b", 20);
  changes.remove(subkey_of(1), "t", "a");
  changes.put(subkey_of(2), "t", "b", 21);
  const auto taken = changes.take();
  EXPECT_EQ(describe(taken), (Texts{"7-a", "7+b"}));
  EXPECT_EQ(taken[1].row.checksum, 21);
  EXPECT_EQ(changes.size(), 0);
}

TEST(HeldChanges, RowsDifferByBucketSubkeyTypeAndId) {
  HeldChanges changes;
  changes.enter(1, 7, false);
  changes.put(subkey_of(1), "t", "a", 1);
  changes.put(subkey_of(1), "t", "b", 1);
  changes.put(subkey_of(1), "u", "a", 1);
  changes.put(subkey_of(2), "t", "a", 1);
  changes.enter(1, 8, true);
  changes.remove(subkey_of(1), "t", "a");
  EXPECT_EQ(describe(changes.take()), (Texts{"7+a", "7+b", "7+a", "7+a", "8-a?"}));
}

TEST(HeldChanges, AClearTakesWhatWasReadOfItsBucketOnly) {
  HeldChanges changes;
  changes.enter(1, 7, true);
  changes.put(subkey_of(1), "t", "a", 1);
  changes.enter(1, 8, true);
  changes.put(subkey_of(1), "t", "b", 1);
  EXPECT_TRUE(changes.read_before());
  changes.clear();
  EXPECT_FALSE(changes.read_before());
  changes.put(subkey_of(2), "t", "c", 1);
  EXPECT_EQ(describe(changes.take()), (Texts{"7+a?", "8+c"}));
}

// Histories that grow and are compacted while they are gathered.
class World {
 public:
  explicit World(uint32_t seed) : random_(seed) {}

  int below(int limit) { return std::uniform_int_distribution(0, limit - 1)(random_); }
  int64_t head() const { return head_; }

  void write() {
    const int64_t bucket = below(buckets_count);
    const int row = below(rows_count);
    const bool put = below(3) > 0;
    Operation operation{{}, row};
    operation.entry.op_id = ++head_;
    operation.entry.kind = put ? 'P' : 'R';
    operation.entry.checksum = put ? static_cast<uint32_t>(below(1000)) : 0;
    operation.entry.row = row_key(1, "t", id_of(row), view(subkey_of(row)));
    histories_[bucket].push_back(operation);
    live_.erase({bucket, row});
    if (put) live_[{bucket, row}] = operation.entry.checksum;
  }

  // As far as some chunk of a pass up to some operation.
  void compact() {
    auto& history = histories_[below(buckets_count)];
    if (history.empty()) return;
    const size_t until = 1 + below(static_cast<int>(history.size()));
    NewestOperations newest(1000);
    for (size_t i = 0; i < until; i++) newest.note(history[i].entry);
    HistoryPass pass(newest);
    const std::vector<Operation> before = history;
    const int chunks = 1 + below(3);
    size_t start = 0;
    for (int chunk = 0; chunk < chunks && start < until; chunk++) {
      const size_t size = std::min<size_t>(until - start, 1 + below(20));
      std::vector<HistoryEntry> entries;
      for (size_t i = start; i < start + size; i++) entries.push_back(before[i].entry);
      edit(history, pass.next(entries));
      start += size;
    }
  }

  // Reads on from where it was, some operations. False when it has caught up.
  bool gather() {
    HeldChanges changes;
    for (int left = 1 + below(15); left > 0;) {
      if (bucket_ == buckets_count) {
        bucket_ = 0;
        bucket_op_ = read_ = pass_;
      }
      if (pass_ == read_ && bucket_ == 0 && bucket_op_ == read_) {
        if (pass_ == head_ && any_pass_) break;
        pass_ = head_;
        any_pass_ = true;
      }
      left -= read_bucket(changes, left);
    }
    apply(changes.take());
    return !(any_pass_ && pass_ == head_ && read_ == pass_ && bucket_ == 0);
  }

  void expect_exact() const { EXPECT_EQ(held_, live_); }

 private:
  static constexpr int buckets_count = 3;
  static constexpr int rows_count = 12;
  struct Operation {
    HistoryEntry entry;
    int row;
  };

  static void edit(std::vector<Operation>& history, const Edits& edits) {
    if (edits.clear) {
      std::erase_if(history, [&](const Operation& operation) {
        return operation.entry.op_id < edits.clear->op_id;
      });
      history.front().entry.kind = 'C';
    }
    for (Operation& operation : history) {
      if (std::ranges::count(edits.moved, operation.entry.op_id) > 0) operation.entry.kind = 'M';
    }
  }

  // Some operations of the bucket it is at.
  int read_bucket(HeldChanges& changes, int count) {
    changes.enter(1, bucket_, bucket_op_ > 0);
    int read = 0;
    for (const Operation& operation : histories_[bucket_]) {
      if (operation.entry.op_id <= bucket_op_ || operation.entry.op_id > pass_) continue;
      if (read == count) return read;
      read_operation(changes, operation);
      bucket_op_ = operation.entry.op_id;
      read++;
    }
    bucket_++;
    bucket_op_ = read_;
    return read;
  }

  void read_operation(HeldChanges& changes, const Operation& operation) {
    const Subkey subkey = subkey_of(operation.row);
    switch (operation.entry.kind) {
      case 'P':
        return changes.put(subkey, "t", id_of(operation.row), operation.entry.checksum);
      case 'R':
        return changes.remove(subkey, "t", id_of(operation.row));
      case 'C':
        if (changes.read_before()) {
          std::erase_if(held_, [&](const auto& row) { return row.first.first == bucket_; });
        }
        return changes.clear();
      default:
        return;
    }
  }

  void apply(const std::vector<HeldChanges::Change>& changes) {
    for (const auto& change : changes) {
      const Key key{change.row.bucket, change.subkey[0]};
      if (change.held_before) held_.erase(key);
      if (!change.held) continue;
      EXPECT_TRUE(held_.emplace(key, change.row.checksum).second) << "held twice";
    }
  }

  using Key = std::pair<int64_t, int>;  // bucket, row
  std::mt19937 random_;
  int64_t head_ = 0;
  std::map<int64_t, std::vector<Operation>> histories_;
  std::map<Key, uint32_t> live_;
  std::map<Key, uint32_t> held_;
  bool any_pass_ = false;
  int64_t read_ = 0;  // all operations up to here
  int64_t pass_ = 0;  // and in this pass up to here
  int bucket_ = 0;
  int64_t bucket_op_ = 0;
};

TEST(HeldChanges, GatheringIsExactHoweverHistoriesGrowAndAreCompactedMeanwhile) {
  for (uint32_t seed = 0; seed < 3000; seed++) {
    SCOPED_TRACE(seed);
    World world(seed);
    const int writes = world.below(200);
    for (int i = 0; i < writes; i++) world.write();
    for (int i = world.below(4); i > 0; i--) world.compact();
    for (int turns = world.below(30); turns > 0; turns--) {
      world.gather();
      for (int i = world.below(12); i > 0; i--) world.write();
      for (int i = world.below(3); i > 0; i--) world.compact();
    }
    while (world.gather()) {
    }
    world.expect_exact();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace brigade
