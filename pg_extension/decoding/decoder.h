#pragma once

#include <string>

#include "decoding/change_message.h"
#include "decoding/relation_cache.h"
#include "pg/memory.h"

extern "C" {
#include "replication/reorderbuffer.h"
}

namespace brigade {

// Turns decoded changes into messages: row × plans → effects. One a worker.
class Decoder {
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

 private:
  struct Tuples;
  void source_change(uint64_t commit_lsn, const TableBinding& binding, const Tuples& tuples);
  void plan_change(const TableBinding& binding, const PlanBinding& plan,
                   const std::vector<int32_t>& ids, const Tuples& tuples);
  void write_checkpoint_change(Relation relation, const Tuples& tuples);
  bool reject_keyless(const TableBinding& binding, const Tuples& tuples);
  void report_errors(const TableBinding& binding, const PlanBinding& plan, const Value* row,
                     const RowEffects& effects);

  std::string& messages_;
  size_t transaction_start_ = 0;  // where in messages_ the current transaction's messages begin
  TransactionEnd last_{};
  RelationCache relations_;
  pg::Arena change_arena_;
  RowEffects before_effects_;
  RowEffects after_effects_;
};

}  // namespace brigade
