#pragma once

#include <array>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "decoding/change_message.h"
#include "decoding/message_log.h"
#include "decoding/relation_cache.h"
#include "decoding/row_completer.h"
#include "pg/memory.h"

extern "C" {
#include "replication/reorderbuffer.h"
}

namespace brigade {

// Encodes the errors among a row's effects as row failures.
void encode_errors(const TableBinding& binding, const PlanBinding& plan, std::span<const Value> row,
                   const RowEffects& effects, std::string& messages);

// Rows and tables that changes were decoded of.
struct TouchedRows {
  SubkeySet rows;
  std::set<std::array<char, 4>> tables;  // truncated, as TruncateChange::table
  bool too_many = false;                 // some are left out

  bool contains(const Subkey& row) const {
    return rows.contains(row) || tables.contains(table_of(row));
  }
  // Adds what else others say of one table, whose rows were added.
  void note_others(const TouchedRows& others, const std::array<char, 4>& table);
};

// Turns decoded changes into messages: row × plans → effects. One a worker.
class Decoder : public RowCompleter {
 public:
  // Messages are appended to `messages`, which must outlive the decoder.
  explicit Decoder(MessageLog& messages);

  void set_plans(ActivePlans plans) { relations_.set_plans(std::move(plans)); }

  // All throw pg::Error.
  void change(Relation relation, const ReorderBufferChange& change);
  void truncate(int count, Relation* relations);
  // Nothing is told of a transaction that changed nothing of interest.
  void transaction_end(const TransactionEnd& end, uint32_t transaction_id);

  // Of the newest transaction in the messages.
  uint64_t last_commit_lsn() const { return last_.commit_lsn; }
  uint64_t last_end_lsn() const { return last_.end_lsn; }
  // The messages were stored: they make room for the next.
  void clear_messages();

  // Transactions decoded since the list was last emptied, by their ids.
  std::vector<uint32_t>& recent_transactions() { return recent_transactions_; }

  // Starts noting anew which rows of some tables are touched, given by how their subkeys begin.
  void note_touched_rows(std::set<std::array<char, 4>> tables);
  const TouchedRows& touched_rows() const { return touched_; }

  // REQUIRES: the row is from a message made since clear_messages().
  void complete(IncompleteRow row, const KeptValues& kept, std::string& messages) override;

 private:
  struct Tuples;
  // The row before and after a change, as a plan reads it; empty where the WAL holds no tuple. Of
  // the old row it holds all, or the key if that changed.
  struct Rows {
    std::span<Value> before;
    std::span<Value> after;
    bool had_before;  // as Tuples has it
  };
  struct Keys {
    Subkey before{};  // as `after`, for an insert
    Subkey after{};
  };

  const std::shared_ptr<const TableBinding>& bind(Relation relation);
  void source_change(const std::shared_ptr<const TableBinding>& binding, const Tuples& tuples);
  static Rows read_rows(const TableBinding& binding, const PlanBinding& plan, const Tuples& tuples);
  static Keys keys_of(const TableBinding& binding, const Rows& rows);
  void encode_effects(const TableBinding& binding, const PlanBinding& plan, const Rows& rows,
                      const Keys& keys, std::string& messages);
  void postpone(const std::shared_ptr<const TableBinding>& binding, const PlanBinding& plan,
                const Rows& rows, const Keys& keys);
  void touch(const Subkey& row);
  void keep_out_of_line_values(const TableBinding& binding, const Tuples& tuples, const Keys& keys);
  std::optional<std::string_view> unchanged_value(const Value& value, int16_t attribute,
                                                  const KeptValues& kept);
  void write_checkpoint_change(Relation relation, const Tuples& tuples);
  bool reject_keyless(const TableBinding& binding, const Tuples& tuples);

  MessageLog& messages_;
  size_t transaction_start_ = 0;  // where the messages of the current transaction begin
  TransactionEnd last_{};
  RelationCache relations_;
  // What IncompleteRow::binding counts.
  std::vector<std::shared_ptr<const TableBinding>> postponed_bindings_;
  std::vector<uint32_t> recent_transactions_;
  std::set<std::array<char, 4>> noted_tables_;
  TouchedRows touched_;
  pg::Arena change_arena_;
  std::vector<Rows> rows_;  // of the change, by plan
  RowEffects before_effects_;
  RowEffects after_effects_;
  KeptValues fetched_;  // those of the row being completed that were not kept
};

}  // namespace brigade
