#include "snapshot/chunk.h"

#include <algorithm>
#include <iterator>

#include "decoding/subkey.h"
#include "pg/error.h"
#include "pg/memory.h"

namespace brigade {

namespace {

constexpr size_t chunk_bytes_max = 2 << 20;

std::vector<int32_t> other_definitions(const ActivePlans& plans,
                                       const std::vector<int32_t>& definitions) {
  std::vector<int32_t> others;
  for (const auto& plan : plans) {
    std::ranges::copy_if(plan->definition_ids, std::back_inserter(others), [&](int32_t id) {
      return std::ranges::find(definitions, id) == definitions.end();
    });
  }
  return others;
}

class ChunkReader {
 public:
  ChunkReader(const pg::OpenTable& table, const TableBinding& binding)
      : descriptor_(RelationGetDescr(table.relation())),
        binding_(binding),
        row_arena_("pg_brigade copied row") {}

  void add(HeapTuple tuple, Chunk& chunk) {
    row_arena_.reset();
    const pg::ContextScope in_arena(row_arena_);
    const size_t begin = chunk.messages.size();
    OutOfLineChange kept;
    for (const PlanBinding& plan : binding_.plans) add_for(plan, tuple, kept, chunk);
    // A row that is nowhere may come into a bucket by a change that leaves these alone.
    if (!kept.entries.empty()) encode(chunk.messages, kept);
    const size_t end = chunk.messages.size();
    if (end > begin) chunk.rows.push_back({kept.after, begin, end});
    chunk.row_count++;
  }

 private:
  void add_for(const PlanBinding& plan, HeapTuple tuple, OutOfLineChange& kept, Chunk& chunk) {
    values_.resize(plan.reader.column_count(), Value::null());
    pg::guard([&] { plan.reader.read(tuple, descriptor_, false, values_.data()); });
    effects_.clear();
    plan.evaluator.evaluate(values_, effects_);
    const Subkey subkey = subkey_of(binding_.prefix, values_, plan.key_columns);
    encode_errors(binding_, plan, values_, effects_, chunk.messages);
    if (!effects_.outputs.empty() || !effects_.lookups.empty()) {
      encode_effects(plan, {subkey, &effects_}, chunk.messages);
    }
    kept.before = kept.after = subkey;
    if (!binding_.old_row_in_wal) {
      plan.reader.add_out_of_line_values(tuple, descriptor_, false, kept.entries);
    }
  }

  static void encode_effects(const PlanBinding& plan, const EncodableState& state,
                             std::string& messages) {
    if (!plan.remembered.empty()) encode_copied_row(messages, plan.remembered, true, state);
    if (!plan.located.empty()) encode_copied_row(messages, plan.located, false, state);
  }

  TupleDesc descriptor_;
  const TableBinding& binding_;
  pg::Arena row_arena_;
  std::vector<Value> values_;
  RowEffects effects_;
};

}  // namespace

void Chunk::leave_out(const std::function<bool(const Subkey&)>& was_told) {
  if (std::ranges::none_of(rows, was_told, &Row::subkey)) return;
  std::string kept;
  for (const Row& row : rows) {
    if (!was_told(row.subkey)) kept.append(messages, row.begin, row.end - row.begin);
  }
  messages = std::move(kept);
}

TableBinding bind_definitions(const pg::OpenTable& table, const ActivePlans& plans,
                              const std::vector<int32_t>& definitions) {
  return bind_table(table.relation(), plans, other_definitions(plans, definitions));
}

Chunk read_chunk(const pg::OpenTable& table, const ActivePlans& plans,
                 const std::vector<int32_t>& definitions, pg::RowLocation start, int64_t rows_max) {
  const TableBinding binding = bind_definitions(table, plans, definitions);
  Chunk chunk;
  ChunkReader reader(table, binding);
  pg::TableScan scan(table, start);
  while (chunk.row_count < rows_max && chunk.messages.size() < chunk_bytes_max) {
    const HeapTuple tuple = scan.next();
    chunk.at_end = tuple == nullptr;
    if (chunk.at_end) break;
    reader.add(tuple, chunk);
  }
  chunk.next = scan.position();
  return chunk;
}

}  // namespace brigade
