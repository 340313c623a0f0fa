#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "decoding/change_message.h"
#include "decoding/relation_cache.h"
#include "decoding/row_completer.h"
#include "pg/memory.h"

extern "C" {
#include "replication/reorderbuffer.h"
}

namespace brigade {

// Turns decoded changes into messages: row × plans → effects. One a worker.
class Decoder : public RowCompleter {
 public:
  // Messages are appended to `messages`, which must outlive the decoder.
  explicit Decoder(std::string& messages);

  void set_plans(ActivePlans plans) { relations_.set_plans(std::move(plans)); }

  // All throw pg::Error. `commit_lsn` is where the transaction's commit record starts.
  void change(uint64_t commit_lsn, Relation relation, const ReorderBufferChange& change);
  void truncate(int count, Relation* relations);
  // Nothing is told of a transaction that changed nothing of interest.
  void transaction_end(const TransactionEnd& end);

  // Of the newest transaction in the messages.
  uint64_t last_commit_lsn() const { return last_.commit_lsn; }
  uint64_t last_end_lsn() const { return last_.end_lsn; }
  // The messages were stored: they make room for the next.
  void clear_messages();

  // REQUIRES: the row is from a message made since clear_messages().
  void complete(const IncompleteRow& row, const KeptValues& kept, std::string& messages) override;

 private:
  struct Tuples;
  void source_change(uint64_t commit_lsn, const std::shared_ptr<const TableBinding>& binding,
                     const Tuples& tuples);
  void plan_change(const std::shared_ptr<const TableBinding>& binding, const PlanBinding& plan,
                   const std::vector<int32_t>& ids, const Tuples& tuples);
  void postpone(const std::shared_ptr<const TableBinding>& binding, const PlanBinding& plan,
                const std::vector<int32_t>& ids, const Tuples& tuples, const Subkey& before,
                std::span<const Value> row);
  void keep_out_of_line_values(const TableBinding& binding, const PlanBinding& plan,
                               const Tuples& tuples, std::span<const Value> row);
  void write_checkpoint_change(Relation relation, const Tuples& tuples);
  bool reject_keyless(const TableBinding& binding, const Tuples& tuples);

  std::string& messages_;
  size_t transaction_start_ = 0;  // where in messages_ the current transaction's messages begin
  TransactionEnd last_{};
  RelationCache relations_;
  // What IncompleteRow::binding counts.
  std::vector<std::shared_ptr<const TableBinding>> postponed_bindings_;
  pg::Arena change_arena_;
  RowEffects before_effects_;
  RowEffects after_effects_;
};

}  // namespace brigade
