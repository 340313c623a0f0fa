#include "decoding/decoder.h"

#include "decoding/subkey.h"
#include "pg/compatibility.h"
#include "pg/error.h"

extern "C" {
#include "utils/rel.h"
}

namespace brigade {

// The old and new tuple of a change, either of which may be absent.
struct Decoder::Tuples {
  HeapTuple before;
  HeapTuple after;
  bool had_before;  // an update or delete, whether or not the WAL holds the old tuple
  TupleDesc descriptor;
};

namespace {

Value* read_row(const PlanBinding& plan, HeapTuple tuple, TupleDesc descriptor) {
  return pg::guard([&] {
    auto* values = static_cast<Value*>(palloc(sizeof(Value) * plan.reader.column_count()));
    plan.reader.read(tuple, descriptor, true, values);
    return values;
  });
}

std::span<const Value> row_span(const PlanBinding& plan, const Value* row) {
  return {row, plan.reader.column_count()};
}

// Values the statement left as they were: with the old row in the WAL they are there.
void take_unchanged_from(const Value* before, Value* after, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (after[i].kind == ValueKind::unchanged) after[i] = before[i];
  }
}

// The ids of definitions whose backfill does not already hold what committed at `commit_lsn`.
std::vector<int32_t> ids_at(const PlanBinding& plan, uint64_t commit_lsn) {
  std::vector<int32_t> ids = plan.ids;
  for (size_t i = 0; i < ids.size(); i++) {
    if (commit_lsn < plan.plan->from_lsns[i]) ids[i] = 0;
  }
  return ids;
}

std::vector<int32_t> nonzero(const std::vector<int32_t>& ids) {
  std::vector<int32_t> definitions;
  for (const int32_t id : ids) {
    if (id != 0) definitions.push_back(id);
  }
  return definitions;
}

}  // namespace

Decoder::Decoder(std::string& messages)
    : messages_(messages), change_arena_(pg::Arena::permanent("pg_brigade decoded change")) {}

void Decoder::change(uint64_t commit_lsn, Relation relation, const ReorderBufferChange& change) {
  const TableBinding& binding = relations_.binding(relation);
  if (binding.role == TableBinding::Role::ignored) return;
  change_arena_.reset();
  const pg::ContextScope in_arena(change_arena_);
  const Tuples tuples{pg::old_tuple(change), pg::new_tuple(change),
                      change.action != REORDER_BUFFER_CHANGE_INSERT, RelationGetDescr(relation)};
  if (binding.role == TableBinding::Role::write_checkpoint) {
    write_checkpoint_change(relation, tuples);
  } else {
    source_change(commit_lsn, binding, tuples);
  }
}

void Decoder::source_change(uint64_t commit_lsn, const TableBinding& binding,
                            const Tuples& tuples) {
  if (reject_keyless(binding, tuples)) return;
  for (const PlanBinding& plan : binding.plans) {
    plan_change(binding, plan, ids_at(plan, commit_lsn), tuples);
  }
}

// An update or delete whose row the WAL does not name cannot be followed.
bool Decoder::reject_keyless(const TableBinding& binding, const Tuples& tuples) {
  if (binding.has_key || !tuples.had_before) return false;
  encode(messages_,
         RowFailure{0, binding.name, "",
                    "the table has no replica identity, so this update or delete cannot be "
                    "followed; add a primary key, or ALTER TABLE ... REPLICA IDENTITY FULL"});
  return true;
}

void Decoder::plan_change(const TableBinding& binding, const PlanBinding& plan,
                          const std::vector<int32_t>& ids, const Tuples& tuples) {
  const std::vector<int32_t> definitions = nonzero(ids);
  if (definitions.empty()) return;
  const Value* before =
      tuples.before == nullptr ? nullptr : read_row(plan, tuples.before, tuples.descriptor);
  Value* after =
      tuples.after == nullptr ? nullptr : read_row(plan, tuples.after, tuples.descriptor);
  before_effects_.clear();
  after_effects_.clear();
  EncodableState before_state{};
  EncodableState after_state{};
  if (after != nullptr) {
    if (before != nullptr) take_unchanged_from(before, after, plan.reader.column_count());
    after_state.subkey = subkey_of(binding.name, row_span(plan, after), plan.key_columns);
    plan.evaluator.evaluate(row_span(plan, after), after_effects_);
    after_state.effects = &after_effects_;
    report_errors(binding, plan, after, after_effects_);
  }
  if (tuples.had_before) {
    // Without an old tuple in the WAL the key did not change.
    const Value* key_row = before != nullptr ? before : after;
    before_state.subkey = subkey_of(binding.name, row_span(plan, key_row), plan.key_columns);
    if (binding.old_row_in_wal) {
      plan.evaluator.evaluate(row_span(plan, before), before_effects_);
      before_state.effects = &before_effects_;
    }
  }
  encode_row_change(messages_, definitions, ids, !binding.old_row_in_wal,
                    tuples.had_before ? &before_state : nullptr,
                    after == nullptr ? nullptr : &after_state);
}

void Decoder::report_errors(const TableBinding& binding, const PlanBinding& plan, const Value* row,
                            const RowEffects& effects) {
  for (const RowEffects::Error& error : effects.errors) {
    encode(messages_,
           RowFailure{plan.ids[error.definition], binding.name,
                      describe_key(row_span(plan, row), plan.key_columns), error.message});
  }
}

void Decoder::write_checkpoint_change(Relation relation, const Tuples& tuples) {
  if (tuples.after == nullptr) return;  // pruned requests need no answer
  const RowReader reader(RelationGetDescr(relation), ValueOptions{});
  Value values[3];
  if (reader.column_count() != std::size(values)) {
    throw pg::Error("XX000", "brigade.write_checkpoint does not have three columns");
  }
  pg::guard([&] { reader.read(tuples.after, tuples.descriptor, true, values); });
  encode(messages_, WriteCheckpointRequest{std::string(values[0].view()),
                                           std::string(values[1].view()), values[2].integer});
}

void Decoder::truncate(int count, Relation* relations) {
  for (int i = 0; i < count; i++) {
    const TableBinding& binding = relations_.binding(relations[i]);
    for (const PlanBinding& plan : binding.plans) {
      encode(messages_, TruncateChange{plan.definitions, table_prefix(binding.name)});
    }
  }
}

void Decoder::transaction_end(const TransactionEnd& end) {
  if (messages_.size() == transaction_start_) return;
  encode(messages_, end);
  transaction_start_ = messages_.size();
  last_ = end;
}

void Decoder::clear_messages() {
  messages_.clear();
  transaction_start_ = 0;
}

}  // namespace brigade
