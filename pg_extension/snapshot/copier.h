#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "decoding/active_plan.h"
#include "snapshot/chunk.h"
#include "snapshot/chunk_size.h"
#include "snapshot/copy_reader.h"
#include "snapshot/table_copy.h"
#include "storage/storage_commit.h"

namespace brigade {

// Copies tables into definitions beside the stream of changes, a chunk at a time, so that after
// each chunk the buckets are right for the rows copied so far (docs/replication.md explains why).
// A chunk is read under a snapshot, here or by another process; the caller then follows the stream
// to a point that lies after all the snapshot sees, noting the rows it touches since the reading
// began; then the chunk's other rows are stored.
class Copier {
 public:
  // Reads the queue anew: what begins or ends there is not noticed otherwise. Tables of which least
  // is left come first.
  void load(const ActivePlans& plans);

  bool has_work() const { return !copies_.empty(); }
  const ExpectedCopies& expected() const { return expected_; }
  // The tables, by how the subkeys of their rows begin.
  std::set<std::array<char, 4>> tables() const;

  // Takes note of what changes of the stream were decoded of since this was called last. Call it
  // before read(), and when those changes were stored, before store().
  void note_touched(const TouchedRows& touched);

  // Goes on reading: has other processes read large tables, and reads a chunk here, in a
  // transaction of its own, if there is a table for it. Nothing happens while a snapshot does not
  // see all of `decoded`, transactions known to have committed; else the list is emptied.
  void read(std::vector<uint32_t>& decoded);

  // Gathers a part of what is held of a table that waits to be copied, in a transaction of its own.
  // False: no table waits, or those that do are locked.
  bool gather_part();
  // Whether a table has been read, so that what buckets hold of it besides is to be removed.
  bool is_removing() const;
  // REQUIRES: is_removing().
  void remove_part(StorageCommit& commit);
  // Says how long the part took.
  void note_part_in(ChunkSize::Duration taken);

  // A process is reading, and wakes this one when it is done.
  bool waits_for_reader() const;
  // Where the stream must be followed to before store(). Absent: no chunk was read.
  std::optional<uint64_t> watermark() const;

  // Stores the chunk that was read first, but for the rows touched since. If those are too many to
  // be known, it will be read again.
  void store(StorageCommit& commit);
  // Says how long storing it took.
  void note_stored_in(ChunkSize::Duration taken);
  // How many rows were stored with the last chunk, or gathered or removed with the last part.
  int64_t last_row_count() const { return last_row_count_; }

  // Copies everything in the queue within the open transaction and its snapshot. Throws pg::Error
  // if a table is locked.
  void copy_all(StorageCommit& commit);

 private:
  // A chunk that is being read, or was and is to be stored.
  struct Reading {
    Reading(int64_t copy, std::array<char, 4> table) : copy(copy), table(table) {}
    bool is_ready() const { return chunk.has_value(); }

    int64_t copy;
    std::array<char, 4> table;
    bool here = false;             // by this process
    CopyReader* reader = nullptr;  // null: the chunk is there
    std::optional<Chunk> chunk;
    TouchedRows touched;          // since it began
    ChunkSize::Duration taken{};  // of this process's time
  };
  // What is known of a copy's rows since it began.
  struct Known {
    std::optional<SubkeySet> held;  // of which buckets held something then, unless too many
    TouchedRows stored;             // that the stream has told since: they are right already
  };

  TableCopy* find(int64_t id);
  void forget_what_left();
  void note_expected();
  std::optional<pg::RowLocation> next_start(const TableCopy& copy) const;
  bool may_read_here() const;
  bool may_ask_reader() const;
  bool can_be_read_on(const TableCopy& copy) const;
  void read_on(TableCopy& copy);
  void read_here(const TableCopy& copy, const pg::OpenTable& table, pg::RowLocation from);
  void read_now(StorageCommit& commit, TableCopy& copy);
  void gather(TableCopy& copy, const pg::OpenTable& table);
  void remove_unseen(StorageCommit& commit, TableCopy& copy);
  bool ask_reader(const TableCopy& copy, pg::RowLocation from);
  CopyReader* free_reader();
  void collect_answers();
  void take_answer(const CopyReader& reader, std::optional<Chunk> chunk);
  void give_up_readings(int64_t copy);
  void lose(const CopyReader* reader);
  void start(TableCopy& copy, const pg::OpenTable& table);
  void end(const TableCopy& copy);
  std::vector<int32_t> forgetting_definitions(const TableCopy& copy,
                                              const pg::OpenTable& table) const;
  void store(StorageCommit& commit, TableCopy& copy, Chunk chunk, const TouchedRows& touched);
  void log_progress(const TableCopy& copy);

  ActivePlans plans_;
  int64_t plans_version_ = 0;
  std::vector<TableCopy> copies_;
  ExpectedCopies expected_;
  // By copy. Absent if `stored` became too many, or if the copy was begun by a worker that died.
  std::map<int64_t, Known> known_;
  std::vector<std::unique_ptr<CopyReader>> readers_;
  std::chrono::steady_clock::time_point next_launch_{};
  std::list<Reading> readings_;  // oldest first
  ChunkSize chunk_size_;
  ChunkSize gathering_size_;
  ChunkSize removal_size_;
  ChunkSize* part_size_ = &gathering_size_;  // of the last part
  int64_t last_part_ = 0;                    // rows and operations that it looked at
  int64_t last_row_count_ = 0;
  ChunkSize::Duration last_read_in_{};
  std::chrono::steady_clock::time_point logged_at_ = std::chrono::steady_clock::now();
};

}  // namespace brigade
