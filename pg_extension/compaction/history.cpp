#include "compaction/history.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace brigade {

namespace {

void append_field(std::vector<char>& bytes, std::string_view field) {
  const size_t size = field.size();
  const auto* size_bytes = reinterpret_cast<const char*>(&size);
  bytes.insert(bytes.end(), size_bytes, size_bytes + sizeof(size));
  bytes.insert(bytes.end(), field.begin(), field.end());
}

}  // namespace

RowKey row_key(uint64_t seed, std::string_view object_type, std::string_view object_id,
               std::string_view subkey) {
  thread_local std::vector<char> bytes;
  bytes.clear();
  append_field(bytes, object_type);
  append_field(bytes, object_id);
  append_field(bytes, subkey);
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.high64, hash.low64};
}

bool SeenRows::add(const RowKey& row) {
  uint64_t& word = words_[row.high % words_.size()];
  const uint64_t bits = uint64_t{1} << (row.low & 63) | uint64_t{1} << (row.low >> 6 & 63) |
                        uint64_t{1} << (row.low >> 12 & 63);
  const bool known = (word & bits) == bits;
  word |= bits;
  return known;
}

bool NewestOperations::note(const HistoryEntry& entry) {
  if (entry.kind != 'P' && entry.kind != 'R') return true;
  if (const auto known = newest_.find(entry.row); known != newest_.end()) {
    known->second = entry.op_id;
    return true;
  }
  if (seen_ != nullptr && !seen_->add(entry.row)) return true;  // There is none for it to replace.
  if (newest_.size() >= rows_max_) return false;
  newest_.emplace(entry.row, entry.op_id);
  return true;
}

int64_t NewestOperations::newer_than(const HistoryEntry& entry) const {
  if (entry.kind != 'P' && entry.kind != 'R') return 0;
  const auto newest = newest_.find(entry.row);
  return newest == newest_.end() || newest->second <= entry.op_id ? 0 : newest->second;
}

// Adds an entry that needs no place of its own to the prefix; false for a live row.
bool HistoryPass::absorb(const HistoryEntry& entry) {
  const int64_t newer = newest_.newer_than(entry);
  if (entry.kind == 'P' && newer == 0) return false;
  cleared_.op_id = entry.op_id;
  cleared_.checksum += entry.checksum;
  cleared_.target_op_id = std::max({cleared_.target_op_id, entry.target_op_id, newer});
  return true;
}

// Returns how many entries at the chunk's start are now part of the prefix.
size_t HistoryPass::clear_prefix(std::span<const HistoryEntry> chunk, Edits& edits) {
  size_t absorbed = 0;
  while (absorbed < chunk.size() && absorb(chunk[absorbed])) absorbed++;
  in_prefix_ = absorbed == chunk.size();
  if (absorbed == 0) return 0;
  // One that only keeps a place and a checksum is as good as a CLEAR.
  const bool lone = !has_clear_ && absorbed == 1;
  const bool worthwhile = !lone || chunk[0].kind == 'P' || chunk[0].kind == 'R';
  cleared_.deleted = static_cast<int64_t>(absorbed) - (has_clear_ ? 0 : 1);
  if (worthwhile) edits.clear = cleared_;
  has_clear_ = true;
  operation_count_ = 1;
  return absorbed;
}

Edits HistoryPass::next(std::span<const HistoryEntry> chunk) {
  Edits edits;
  const size_t absorbed = in_prefix_ ? clear_prefix(chunk, edits) : 0;
  for (const HistoryEntry& entry : chunk.subspan(absorbed)) {
    operation_count_++;
    if (const int64_t newer = newest_.newer_than(entry)) {
      edits.moved.push_back(entry.op_id);
      edits.moved_targets.push_back(newer);
    } else if (entry.kind == 'P') {
      keep(entry);
    }
  }
  return edits;
}

void HistoryPass::keep(const HistoryEntry& entry) {
  row_count_++;
  data_bytes_ += entry.data_bytes;
  if (old_rows_.size() < old_rows_max_) old_rows_.push_back({entry.op_id, operation_count_});
}

size_t rows_to_reappend(std::span<const OldRow> oldest, int64_t operations, int64_t rows,
                        int64_t operations_wanted) {
  size_t best = 0;
  int64_t fewest = operations;
  for (size_t count = 1; count <= oldest.size(); count++) {
    const bool all = static_cast<int64_t>(count) == rows;
    if (!all && count == oldest.size()) break;  // where the next one is, is not known
    const int64_t kept = all ? 0 : operations - oldest[count].place + 1;
    const int64_t left = kept + 1 + static_cast<int64_t>(count);
    if (left < fewest) {
      best = count;
      fewest = left;
    }
    if (left <= operations_wanted) break;
  }
  return best;
}

}  // namespace brigade
