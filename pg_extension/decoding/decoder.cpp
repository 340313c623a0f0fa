#include "decoding/decoder.h"

#include <algorithm>

#include "decoding/subkey.h"
#include "pg/compatibility.h"
#include "pg/error.h"
#include "pg/out_of_line.h"

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

// Some megabytes; only one transaction of many rows comes to that.
constexpr size_t touched_rows_max = 100000;

// Empty if there is no tuple.
std::span<Value> read_row(const PlanBinding& plan, HeapTuple tuple, TupleDesc descriptor) {
  if (tuple == nullptr) return {};
  const size_t count = plan.reader.column_count();
  auto* row = pg::guard([&] {
    auto* values = static_cast<Value*>(palloc(sizeof(Value) * count));
    plan.reader.read(tuple, descriptor, true, values);
    return values;
  });
  return {row, count};
}

bool is_complete(std::span<const Value> row) {
  return std::none_of(row.begin(), row.end(),
                      [](const Value& value) { return value.kind == ValueKind::unchanged; });
}

// Values the statement left as they were: with the old row in the WAL they are there.
void take_unchanged_from(std::span<const Value> before, std::span<Value> after) {
  for (size_t i = 0; i < after.size(); i++) {
    if (after[i].kind == ValueKind::unchanged) after[i] = before[i];
  }
}

// A key stored out of line is in the WAL even so, as the old key.
void take_unchanged_key_from(std::span<const Value> before, std::span<Value> after,
                             const std::vector<int>& key_columns) {
  for (const int column : key_columns) {
    if (after[column].kind == ValueKind::unchanged) after[column] = before[column];
  }
}

const RowEffects* evaluate(const PlanBinding& plan, std::span<const Value> row,
                           RowEffects& effects) {
  effects.clear();
  plan.evaluator.evaluate(row, effects);
  return &effects;
}

// For an old row.
const RowEffects* locate(const PlanBinding& plan, std::span<const Value> row, RowEffects& effects) {
  effects.clear();
  plan.evaluator.locate(row, plan.located.indexes, effects);
  return &effects;
}

}  // namespace

void encode_errors(const TableBinding& binding, const PlanBinding& plan, std::span<const Value> row,
                   const RowEffects& effects, std::string& messages) {
  for (const RowEffects::Error& error : effects.errors) {
    encode(messages, RowFailure{plan.definitions.ids[error.definition], binding.name,
                                describe_key(row, plan.key_columns), error.message});
  }
}

void TouchedRows::note_others(const TouchedRows& others, const std::array<char, 4>& table) {
  if (others.tables.contains(table)) tables.insert(table);
  too_many = too_many || others.too_many || rows.size() > touched_rows_max;
}

Decoder::Decoder(MessageLog& messages)
    : messages_(messages), change_arena_(pg::Arena::permanent("pg_brigade decoded change")) {}

// Whoever looks at the catalog later may not see what it was when the change was made.
const std::shared_ptr<const TableBinding>& Decoder::bind(Relation relation) {
  bool is_new = false;
  const std::shared_ptr<const TableBinding>& binding = relations_.binding(relation, is_new);
  if (is_new && binding->role == TableBinding::Role::source) {
    encode(messages_.buffer(),
           IdentityChange{RelationGetRelid(relation), binding->replica_identity});
  }
  return binding;
}

void Decoder::change(Relation relation, const ReorderBufferChange& change) {
  const std::shared_ptr<const TableBinding>& binding = bind(relation);
  if (binding->role == TableBinding::Role::ignored) return;
  change_arena_.reset();
  const pg::ContextScope in_arena(change_arena_);
  const Tuples tuples{pg::old_tuple(change), pg::new_tuple(change),
                      change.action != REORDER_BUFFER_CHANGE_INSERT, RelationGetDescr(relation)};
  if (binding->role == TableBinding::Role::write_checkpoint) {
    write_checkpoint_change(relation, tuples);
  } else {
    source_change(binding, tuples);
  }
  messages_.spill_if_large();
}

void Decoder::source_change(const std::shared_ptr<const TableBinding>& binding,
                            const Tuples& tuples) {
  if (reject_keyless(*binding, tuples)) return;
  rows_.clear();
  for (const PlanBinding& plan : binding->plans) rows_.push_back(read_rows(*binding, plan, tuples));
  const Keys keys = keys_of(*binding, rows_.front());
  if (tuples.had_before) touch(keys.before);
  if (tuples.after != nullptr) touch(keys.after);
  if (!binding->old_row_in_wal) keep_out_of_line_values(*binding, tuples, keys);
  for (size_t i = 0; i < rows_.size(); i++) {
    const PlanBinding& plan = binding->plans[i];
    if (is_complete(rows_[i].after)) {
      encode_effects(*binding, plan, rows_[i], keys, messages_.buffer());
    } else {
      postpone(binding, plan, rows_[i], keys);
    }
  }
}

// An update or delete whose row the WAL does not name cannot be followed.
bool Decoder::reject_keyless(const TableBinding& binding, const Tuples& tuples) {
  if (binding.has_key || !tuples.had_before) return false;
  encode(messages_.buffer(),
         RowFailure{0, binding.name, "",
                    "the table has no replica identity, so this update or delete cannot be "
                    "followed; add a primary key, or ALTER TABLE ... REPLICA IDENTITY FULL"});
  return true;
}

Decoder::Rows Decoder::read_rows(const TableBinding& binding, const PlanBinding& plan,
                                 const Tuples& tuples) {
  const Rows rows{read_row(plan, tuples.before, tuples.descriptor),
                  read_row(plan, tuples.after, tuples.descriptor), tuples.had_before};
  if (rows.before.empty() || rows.after.empty()) return rows;
  take_unchanged_key_from(rows.before, rows.after, plan.key_columns);
  if (binding.old_row_in_wal) take_unchanged_from(rows.before, rows.after);
  return rows;
}

// Every plan reads the key alike. Without an old tuple in the WAL it did not change.
Decoder::Keys Decoder::keys_of(const TableBinding& binding, const Rows& rows) {
  const std::vector<int>& columns = binding.plans.front().key_columns;
  Keys keys;
  if (!rows.after.empty()) keys.after = subkey_of(binding.prefix, rows.after, columns);
  keys.before = rows.before.empty() ? keys.after : subkey_of(binding.prefix, rows.before, columns);
  return keys;
}

// Where the key alone says where a row is, a row whose key did not change tells where it was.
void Decoder::encode_effects(const TableBinding& binding, const PlanBinding& plan, const Rows& rows,
                             const Keys& keys, std::string& messages) {
  EncodableState before{keys.before, nullptr};
  EncodableState after{keys.after, nullptr};
  if (!rows.after.empty()) {
    after.effects = evaluate(plan, rows.after, after_effects_);
    encode_errors(binding, plan, rows.after, after_effects_, messages);
  }
  const EncodableState* was = rows.had_before ? &before : nullptr;
  const EncodableState* is = rows.after.empty() ? nullptr : &after;
  if (!plan.remembered.empty()) encode_row_change(messages, plan.remembered, true, was, is);
  if (plan.located.empty()) return;
  if (rows.had_before) {
    before.effects = locate(plan, rows.before.empty() ? rows.after : rows.before, before_effects_);
  }
  encode_row_change(messages, plan.located, false, was, is);
}

void Decoder::postpone(const std::shared_ptr<const TableBinding>& binding, const PlanBinding& plan,
                       const Rows& rows, const Keys& keys) {
  if (postponed_bindings_.empty() || postponed_bindings_.back() != binding) {
    postponed_bindings_.push_back(binding);
  }
  encode(messages_.buffer(), IncompleteRow{static_cast<uint32_t>(postponed_bindings_.size() - 1),
                                           static_cast<uint32_t>(&plan - binding->plans.data()),
                                           keys.before,
                                           keys.after,
                                           {rows.after.begin(), rows.after.end()},
                                           {rows.before.begin(), rows.before.end()}});
}

void Decoder::keep_out_of_line_values(const TableBinding& binding, const Tuples& tuples,
                                      const Keys& keys) {
  OutOfLineChange change{keys.before, keys.after, tuples.after == nullptr, {}};
  if (!change.deleted) {
    for (const PlanBinding& plan : binding.plans) {
      plan.reader.add_out_of_line_values(tuples.after, tuples.descriptor, true, change.entries);
    }
    if (change.entries.empty() && keys.before == keys.after) return;
  }
  encode(messages_.buffer(), change);
}

// The value in a column that the change left as it was, without its length word. It is kept if the
// row was stored since; while its table is copied, it may not have been yet.
std::optional<std::string_view> Decoder::unchanged_value(const Value& value, int16_t attribute,
                                                         const KeptValues& kept) {
  const auto entry = kept.find(attribute);
  if (entry != kept.end()) return entry->second;
  std::optional<std::string> fetched = pg::fetch_out_of_line(value.view());
  if (!fetched) return std::nullopt;
  return fetched_.insert_or_assign(attribute, std::move(*fetched)).first->second;
}

void Decoder::complete(IncompleteRow row, const KeptValues& kept, std::string& messages) {
  const TableBinding& binding = *postponed_bindings_.at(row.binding);
  const PlanBinding& plan = binding.plans.at(row.plan);
  const pg::Arena arena("pg_brigade completed row");
  const pg::ContextScope in_arena(arena);
  fetched_.clear();
  Rows rows{row.old_values.empty() ? row.values : row.old_values, row.values, true};
  for (size_t i = 0; i < row.values.size(); i++) {
    if (row.values[i].kind != ValueKind::unchanged) continue;
    const auto value = unchanged_value(row.values[i], plan.reader.attribute_of_column(i), kept);
    if (!value) {
      // A later change took it away, and will say what became of the row.
      rows.after = {};
      return encode_effects(binding, plan, rows, {row.before, row.after}, messages);
    }
    row.values[i] = pg::guard([&] { return plan.reader.convert_kept(i, *value); });
  }
  encode_effects(binding, plan, rows, {row.before, row.after}, messages);
  OutOfLineChange to_keep{row.after, row.after, false, {}};
  for (const auto& [attribute, value] : fetched_) to_keep.entries.push_back({attribute, value});
  if (!fetched_.empty()) encode(messages, to_keep);
}

void Decoder::write_checkpoint_change(Relation relation, const Tuples& tuples) {
  if (tuples.after == nullptr) return;  // pruned requests need no answer
  const RowReader reader(RelationGetDescr(relation), ValueOptions{});
  Value values[3];
  if (reader.column_count() != std::size(values)) {
    throw pg::Error("XX000", "brigade.write_checkpoint does not have three columns");
  }
  pg::guard([&] { reader.read(tuples.after, tuples.descriptor, true, values); });
  encode(messages_.buffer(),
         WriteCheckpointRequest{std::string(values[0].view()), std::string(values[1].view()),
                                values[2].integer});
}

void Decoder::touch(const Subkey& row) {
  if (noted_tables_.empty() || !noted_tables_.contains(table_of(row))) return;
  touched_.too_many = touched_.rows.size() >= touched_rows_max;
  if (!touched_.too_many) touched_.rows.insert(row);
}

void Decoder::note_touched_rows(std::set<std::array<char, 4>> tables) {
  noted_tables_ = std::move(tables);
  touched_ = {};
}

void Decoder::truncate(int count, Relation* relations) {
  for (int i = 0; i < count; i++) {
    const TableBinding& binding = *bind(relations[i]);
    for (const PlanBinding& plan : binding.plans) {
      encode(messages_.buffer(),
             TruncateChange{plan.definitions.all(), binding.prefix, RelationGetRelid(relations[i]),
                            relations[i]->rd_rel->relfilenode});
      if (!noted_tables_.empty()) touched_.tables.insert(binding.prefix);
    }
  }
}

void Decoder::transaction_end(const TransactionEnd& end, uint32_t transaction_id) {
  recent_transactions_.push_back(transaction_id);
  if (messages_.size() == transaction_start_) return;
  encode(messages_.buffer(), end);
  transaction_start_ = messages_.size();
  last_ = end;
}

void Decoder::clear_messages() {
  messages_.clear();
  postponed_bindings_.clear();
  transaction_start_ = 0;
}

}  // namespace brigade
