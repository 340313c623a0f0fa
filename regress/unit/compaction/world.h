#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "compaction/history.h"

namespace brigade::test {

// A bucket as the protocol defines it, the storage of one, and clients of it.

// What a client holds: the rows, each with the operation that put it, and one sum for the rest.
// The rules are those of the public document "Formal Bucket Properties".
struct ReducedBucket {
  std::map<uint64_t, std::pair<int64_t, uint32_t>> rows;  // row → op id, checksum
  uint32_t other_checksums = 0;

  void apply(const HistoryEntry& entry) {
    if (entry.kind == 'C') {
      rows.clear();
      other_checksums = entry.checksum;
      return;
    }
    if (entry.kind == 'M') {
      other_checksums += entry.checksum;
      return;
    }
    if (const auto old = rows.extract(entry.row.low)) other_checksums += old.mapped().second;
    if (entry.kind == 'R') {
      other_checksums += entry.checksum;
    } else {
      rows[entry.row.low] = {entry.op_id, entry.checksum};
    }
  }
  bool operator==(const ReducedBucket&) const = default;
};

class Bucket {
 public:
  explicit Bucket(std::mt19937& random) : random_(random) {}

  void append(char kind, uint64_t row) {
    last_op_id_ += 1 + random_() % 3;
    HistoryEntry entry{last_op_id_, kind, static_cast<uint32_t>(random_()), 0, {row, row}, 10};
    original_.push_back(entry);
    stored_.push_back(entry);
  }
  void append_random(uint64_t rows) { append(random_() % 4 == 0 ? 'R' : 'P', random_() % rows); }

  const std::vector<HistoryEntry>& stored() const { return stored_; }
  int64_t last_op_id() const { return last_op_id_; }

  ReducedBucket truth(int64_t checkpoint) const { return reduce(original_, checkpoint); }
  ReducedBucket stored_truth() const { return reduce(stored_, last_op_id_); }

  std::vector<HistoryEntry> read(int64_t after, int64_t until, size_t limit) const {
    std::vector<HistoryEntry> entries;
    for (const HistoryEntry& entry : stored_) {
      if (entry.op_id > after && entry.op_id <= until && entries.size() < limit) {
        entries.push_back(entry);
      }
    }
    return entries;
  }
  // The CLEAR that took the place of what a reader after `after` should have got, if it is later
  // than `until`; 0: none.
  int64_t clear_beyond(int64_t after, int64_t until) const {
    for (const HistoryEntry& entry : stored_) {
      if (entry.op_id <= after) continue;
      return entry.kind == 'C' && entry.op_id > until ? entry.op_id : 0;
    }
    return 0;
  }

  void apply(const Edits& edits) {
    for (size_t i = 0; i < edits.moved.size(); i++) {
      HistoryEntry& entry = at(edits.moved[i]);
      entry = {entry.op_id, 'M', entry.checksum, edits.moved_targets[i], {}, 0};
    }
    if (!edits.clear) return;
    const ClearEdit& clear = *edits.clear;
    deleted_ = std::erase_if(stored_, [&](const auto& entry) { return entry.op_id < clear.op_id; });
    at(clear.op_id) = {clear.op_id, 'C', clear.checksum, clear.target_op_id, {}, 0};
  }
  // How many operations the last CLEAR deleted.
  size_t deleted() const { return deleted_; }

 private:
  static ReducedBucket reduce(const std::vector<HistoryEntry>& entries, int64_t checkpoint) {
    ReducedBucket bucket;
    for (const HistoryEntry& entry : entries) {
      if (entry.op_id <= checkpoint) bucket.apply(entry);
    }
    return bucket;
  }
  HistoryEntry& at(int64_t op_id) {
    return *std::find_if(stored_.begin(), stored_.end(),
                         [&](const HistoryEntry& entry) { return entry.op_id == op_id; });
  }

  std::mt19937& random_;
  std::vector<HistoryEntry> original_;
  std::vector<HistoryEntry> stored_;
  int64_t last_op_id_ = 0;
  size_t deleted_ = 0;
};

// A compaction that can be moved on chunk by chunk, or cut off, as a process would do it.
class Compaction {
 public:
  Compaction(Bucket& bucket, size_t rows_max, size_t chunk_size)
      : bucket_(bucket), rows_max_(rows_max), chunk_size_(chunk_size) {}

  // Does one chunk; false: nothing was left to do.
  bool step() {
    if (!pass_ && !begin()) return false;
    const auto chunk = bucket_.read(position_, end_, chunk_size_);
    if (chunk.empty()) {
      compacted_ = end_;
      pass_.reset();
      return true;
    }
    position_ = chunk.back().op_id;
    edits_ = pass_->next(chunk);
    bucket_.apply(edits_);
    return true;
  }
  void cut_off() {
    pass_.reset();
    seen_.reset();
  }
  void run() {
    while (step()) continue;
  }
  size_t passes() const { return passes_; }
  const Edits& edits() const { return edits_; }
  const std::optional<HistoryPass>& pass() const { return pass_; }

 private:
  bool begin() {
    if (compacted_ == 0) seen_.emplace(100);
    newest_.emplace(rows_max_, seen_ ? &*seen_ : nullptr);
    end_ = compacted_;
    for (const HistoryEntry& entry : bucket_.read(compacted_, bucket_.last_op_id(), SIZE_MAX)) {
      if (!newest_->note(entry)) break;
      end_ = entry.op_id;
    }
    if (end_ == compacted_) {
      seen_.reset();
      return false;
    }
    position_ = 0;
    passes_++;
    pass_.emplace(*newest_);
    return true;
  }

  Bucket& bucket_;
  size_t rows_max_;
  size_t chunk_size_;
  int64_t compacted_ = 0;
  int64_t end_ = 0;
  int64_t position_ = 0;
  size_t passes_ = 0;
  std::optional<SeenRows> seen_;  // until all was compacted once
  std::optional<NewestOperations> newest_;
  std::optional<HistoryPass> pass_;
  Edits edits_;
};

// A client in a stream, with what the service that feeds it keeps of it.
struct Client {
  ReducedBucket held;
  int64_t position = 0;
  std::optional<int64_t> checkpoint;
  int64_t merged_until = 0;  // the newest operation merged into what it was sent
  size_t completed = 0;

  void announce(const Bucket& bucket) { checkpoint = bucket.last_op_id(); }

  // Reads a batch. True: the checkpoint is completed by it.
  bool download(const Bucket& bucket, size_t limit) {
    const auto batch = bucket.read(position, *checkpoint, limit);
    merged_until = std::max(merged_until, bucket.clear_beyond(position, *checkpoint));
    for (const HistoryEntry& entry : batch) {
      held.apply(entry);
      merged_until = std::max(merged_until, entry.target_op_id);
    }
    position = batch.empty() ? *checkpoint : batch.back().op_id;
    if (position < *checkpoint) return false;
    const bool valid = merged_until <= *checkpoint;
    if (!valid) checkpoint.reset();
    return valid;
  }
};

}  // namespace brigade::test
