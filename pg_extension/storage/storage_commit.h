#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "decoding/change_message.h"
#include "decoding/row_completer.h"
#include "pg/bulk_insert.h"
#include "pg/spi.h"
#include "storage/bucket_cache.h"
#include "storage/head.h"
#include "storage/held_rows.h"
#include "storage/out_of_line_memory.h"
#include "storage/row_memory.h"

namespace brigade {

// One storage commit being written: whole source transactions in, operations, bucket states,
// lookups and the checkpoint out, all in the database transaction that is open. Nothing is visible,
// and nothing in `head` may be believed, before that transaction commits.
class StorageCommit {
 public:
  // REQUIRES: a pg::Transaction, for as long as this lives.
  StorageCommit(BucketCache& buckets, Head& head, RowCompleter& completer);

  // Applies messages, in order. Call it as often as there are parts.
  void apply(std::string_view messages);
  // As apply, for rows read from a table. `held`: those of which buckets may hold something; null
  // if it can be any.
  void apply_copied(std::string_view messages, const SubkeySet* held);

  void expect_copies(ExpectedCopies copies) { copies_ = std::move(copies); }
  // Removes all rows of a table from buckets and lookups.
  void forget_table(const TruncateChange& table);
  // Removes out-of-line values of a table, given by how the subkeys of its rows begin.
  void forget_values(const std::array<char, 4>& table);
  // Removes what buckets and lookups held of a table before it was copied, and the copy did not
  // find: some of it, from `next` on. Says where to go on, or nothing if that was all; returns how
  // many rows there were.
  int64_t remove_unseen(const TruncateChange& table, int64_t count, std::optional<Subkey>& next);

  // Says that storage holds all that the transaction's snapshot sees committed: so write
  // checkpoints asked for until then are reached.
  void acknowledge_visible_write_checkpoints();

  // Appends a row once more that the bucket holds already. Nothing happens if the bucket is gone.
  void append_again(int64_t bucket, std::string_view subkey, std::string_view object_type,
                    std::string_view object_id, std::string_view data);

  // Says that which config serves changes with this commit.
  void note_config_change() { config_changed_ = true; }

  // Writes bucket states, commit log and checkpoint, and notifies sidecars. `lsn`: all source
  // transactions before it are in.
  void finish(uint64_t lsn);

 private:
  struct Batch;
  struct Wanted;

  void read_into(Batch& batch, ByteReader& reader);
  RowChange read_copied_row(ByteReader& reader) const;
  void complete(Batch& batch, IncompleteRow row);
  void apply_batch(const Batch& batch);
  void truncate(const TruncateChange& table);
  void remove(const pg::Rows& rows);
  void remove(const std::vector<HeldRows::Unseen>& unseen);
  static void note(const IdentityChange& change);
  void want(const RowChange& change, Wanted& wanted) const;
  void load(const std::vector<RowChange>& rows);
  void apply_row(const RowChange& change);
  void apply_outputs(const RowChange& change, int32_t definition);
  void apply_copy(const RowChange& change, int32_t definition);
  void apply_lookups(const RowChange& change, int32_t definition);
  bool is_unsettled(int32_t definition) const { return copies_.definitions.contains(definition); }
  bool may_be_held(const RowMemory::Key& key) const {
    return copies_.started.contains({key.definition, table_of(key.subkey)});
  }
  void forget_held(const RowChange& change, int32_t definition);
  void leave_held(const RowMemory::Key& key, const Membership& after);
  std::span<const int64_t> keep_sorted(std::vector<int64_t>& buckets);
  Membership membership_before(const RowChange& change, int32_t definition);
  Membership membership_after(const std::optional<EffectsView::Output>& output, int32_t definition);
  void append_put(int64_t bucket, const Subkey& subkey, const EffectsView::Output& output);
  void append_remove(int64_t bucket, std::string_view subkey, std::string_view object_type,
                     std::string_view object_id);
  void append(BucketState& bucket, char kind, std::string_view subkey, std::string_view object_type,
              std::string_view object_id, std::string_view data, bool has_data);
  void bound_dependencies();
  void store_buckets();
  void record(const std::vector<RowFailure>& failures);
  void acknowledge_write_checkpoints();

  BucketCache& buckets_;
  Head& head_;
  pg::BulkInsert operations_;
  RowMemory memory_;
  OutOfLineMemory out_of_line_;
  HeldRows held_;
  ExpectedCopies copies_;
  const SubkeySet* held_of_copied_ = nullptr;  // as apply_copied has it
  RowCompleter& completer_;
  std::set<int64_t> changed_buckets_;
  std::set<int64_t> dependencies_;
  std::map<std::pair<std::string, std::string>, int64_t> write_checkpoints_;
  bool config_changed_ = false;
  std::vector<int64_t> bucket_ids_;  // kept for its memory
};

}  // namespace brigade
