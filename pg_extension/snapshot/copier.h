#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "decoding/active_plan.h"
#include "snapshot/chunk.h"
#include "snapshot/chunk_size.h"
#include "snapshot/table_copy.h"
#include "storage/storage_commit.h"

namespace brigade {

// Copies tables into definitions beside the stream of changes, a chunk at a time, so that after
// each chunk the buckets are right for the rows copied so far (docs/replication.md explains why).
// A chunk is read under a snapshot; the caller then follows the stream to a point that lies after
// all the snapshot sees, noting the rows it touches; then the chunk's other rows are stored.
class Copier {
 public:
  // Reads the queue anew: what begins or ends there is not noticed otherwise. Tables of which least
  // is left come first.
  void load(const ActivePlans& plans);

  bool has_work() const { return !copies_.empty(); }
  // Definitions that a table is being copied into.
  const std::set<int32_t>& definitions() const { return definitions_; }
  // The tables, by how the subkeys of their rows begin.
  std::set<std::array<char, 4>> tables() const;

  // Takes note of rows that changes of the stream were stored of since this was called last.
  void note_stored(const TouchedRows& touched);

  // Reads a chunk in a transaction of its own. False: no table can be read just now, because it is
  // locked, or because the snapshot did not see all of `decoded`, transactions known to have
  // committed.
  bool read(const std::vector<uint32_t>& decoded);

  // Copies everything in the queue within the open transaction and its snapshot. Throws pg::Error
  // if a table is locked.
  void copy_all(StorageCommit& commit);

  // How many rows were read of the table with the last chunk.
  int64_t last_row_count() const { return last_row_count_; }

  // Stores the chunk read, if there is one, but for rows in `touched`. If those are too many to be
  // known, the chunk will be read again.
  void store(StorageCommit& commit, const TouchedRows& touched);

  // Says how long the last chunk took to read and to store.
  void note_time(ChunkSize::Duration taken) { chunk_size_.learn(last_row_count_, taken); }

 private:
  bool read(TableCopy& copy);
  void start(TableCopy& copy, const pg::OpenTable& table);
  void log_progress(const TableCopy& copy);
  std::vector<int32_t> other_definitions(const TableCopy& copy) const;

  ActivePlans plans_;
  std::vector<TableCopy> copies_;
  std::set<int32_t> definitions_;
  // What is known of a copy's rows since it began.
  struct Known {
    SubkeySet held;    // of which buckets held something then
    SubkeySet stored;  // that the stream has told since: they are right already
  };
  // By copy. Absent if those are too many, or if the copy was begun by a worker that died.
  std::map<int64_t, Known> known_;
  // Of the chunk read and not yet stored: its copy is at copies_[current_].
  size_t current_ = 0;
  std::optional<Chunk> chunk_;
  ChunkSize chunk_size_;
  int64_t last_row_count_ = 0;
  std::chrono::steady_clock::time_point logged_at_ = std::chrono::steady_clock::now();
};

}  // namespace brigade
