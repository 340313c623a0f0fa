#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

// What compaction makes of a bucket's history, without a server. docs/compaction.md has the proof.
namespace brigade {

// A row as clients tell rows apart: by type, id and subkey. 128 bits of a keyed hash, so that a
// pass over many rows needs little memory for each.
struct RowKey {
  uint64_t high = 0;
  uint64_t low = 0;
  bool operator==(const RowKey&) const = default;
};

// `seed` is secret and random, so that nobody can choose ids that collide.
RowKey row_key(uint64_t seed, std::string_view object_type, std::string_view object_id,
               std::string_view subkey);

struct HistoryEntry {
  int64_t op_id = 0;
  char kind = 'P';  // P put, R remove, M move, C clear
  uint32_t checksum = 0;
  int64_t target_op_id = 0;  // 0: none
  RowKey row;                // of P and R
  int64_t data_bytes = 0;    // of P
};

// Rows that have been seen: a filter as in B. H. Bloom, "Space/time trade-offs in hash coding with
// allowable errors" (1970), in which all bits of a row are in one word. With two bytes for each row
// it takes one new row in a hundred for one that it has seen.
class SeenRows {
 public:
  explicit SeenRows(size_t bytes) : words_(bytes / sizeof(uint64_t) + 1) {}
  // Whether the row was, perhaps, added before.
  bool add(const RowKey& row);

 private:
  std::vector<uint64_t> words_;
};

// For each row, its newest operation among those noted.
class NewestOperations {
 public:
  // Keeps at most `rows_max` rows, about `bytes_per_row` each. If all of the history passes through
  // `seen`, which must outlive this, no room is taken by rows that have one operation.
  explicit NewestOperations(size_t rows_max, SeenRows* seen = nullptr)
      : rows_max_(rows_max), seen_(seen) {}
  static constexpr size_t bytes_per_row = 64;

  // Notes a P or R; others are passed over. Call it with ascending op ids. False: there is no room
  // for its row, and nothing was noted.
  bool note(const HistoryEntry& entry);
  // The newest operation on the entry's row if that is not the entry itself; 0: none.
  int64_t newer_than(const HistoryEntry& entry) const;
  size_t row_count() const { return newest_.size(); }

 private:
  struct Hash {
    size_t operator()(const RowKey& row) const { return row.low; }
  };
  size_t rows_max_;
  SeenRows* seen_;
  std::unordered_map<RowKey, int64_t, Hash> newest_;
};

// All of a bucket's operations below `op_id` go, and that one becomes a CLEAR.
struct ClearEdit {
  int64_t op_id = 0;
  uint32_t checksum = 0;
  int64_t target_op_id = 0;  // 0: none
  int64_t deleted = 0;       // operations that go
};

// What to change in a chunk of a history.
struct Edits {
  std::vector<int64_t> moved;  // op ids that become MOVEs
  std::vector<int64_t> moved_targets;
  std::optional<ClearEdit> clear;
  bool empty() const { return moved.empty() && !clear; }
};

// A live row near the start of a history, and the place of its operation in what is left: 1, 2, …
struct OldRow {
  int64_t op_id = 0;
  int64_t place = 0;
};

// Compacts a history chunk by chunk. After each chunk's edits the history is right, so that a pass
// may end, or be cut off, between any two.
class HistoryPass {
 public:
  // `newest` has noted every operation since the last complete pass, up to where this one will
  // end, but for the first of a row. It must outlive the pass.
  // `old_rows_max`: how many of the oldest live rows to remember.
  explicit HistoryPass(const NewestOperations& newest, size_t old_rows_max = 0)
      : newest_(newest), old_rows_max_(old_rows_max) {}

  // The chunk follows the one before without a gap; the first one starts the history.
  Edits next(std::span<const HistoryEntry> chunk);

  // What is left of the entries seen so far.
  int64_t operation_count() const { return operation_count_; }
  int64_t row_count() const { return row_count_; }
  int64_t data_bytes() const { return data_bytes_; }
  const std::vector<OldRow>& old_rows() const { return old_rows_; }

 private:
  size_t clear_prefix(std::span<const HistoryEntry> chunk, Edits& edits);
  bool absorb(const HistoryEntry& entry);
  void keep(const HistoryEntry& entry);

  const NewestOperations& newest_;
  bool in_prefix_ = true;   // no live row so far
  bool has_clear_ = false;  // the history starts with a CLEAR that this pass wrote or found
  ClearEdit cleared_;       // all of the prefix, as one operation
  int64_t operation_count_ = 0;
  int64_t row_count_ = 0;
  int64_t data_bytes_ = 0;
  size_t old_rows_max_;
  std::vector<OldRow> old_rows_;
};

// How many of the oldest rows to append again, so that what is before the next one becomes a
// CLEAR: as few as leave at most `operations_wanted`; or, if all that are known are too few for
// that, as many as leave the fewest. 0: it would gain nothing. `operations` and `rows` count the
// whole history.
size_t rows_to_reappend(std::span<const OldRow> oldest, int64_t operations, int64_t rows,
                        int64_t operations_wanted);

}  // namespace brigade
