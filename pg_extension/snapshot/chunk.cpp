#include "snapshot/chunk.h"

#include "decoding/subkey.h"
#include "pg/error.h"
#include "pg/memory.h"

namespace brigade {

namespace {

constexpr int64_t chunk_rows_max = 4000;
constexpr size_t chunk_bytes_max = 2 << 20;

class ChunkReader {
 public:
  ChunkReader(const pg::OpenTable& table, const TableBinding& binding)
      : descriptor_(RelationGetDescr(table.relation())),
        binding_(binding),
        row_arena_("pg_brigade copied row") {}

  void add(HeapTuple tuple, Chunk& chunk) {
    row_arena_.reset();
    const pg::ContextScope in_arena(row_arena_);
    for (const PlanBinding& plan : binding_.plans) add_for(plan, tuple, chunk);
    chunk.row_count++;
  }

 private:
  void add_for(const PlanBinding& plan, HeapTuple tuple, Chunk& chunk) {
    values_.resize(plan.reader.column_count(), Value::null());
    pg::guard([&] { plan.reader.read(tuple, descriptor_, false, values_.data()); });
    effects_.clear();
    plan.evaluator.evaluate(values_, effects_);
    const size_t begin = chunk.messages.size();
    const Subkey subkey = subkey_of(binding_.name, values_, plan.key_columns);
    encode_errors(binding_, plan, values_, effects_, chunk.messages);
    if (!effects_.outputs.empty() || !effects_.lookups.empty()) {
      encode_row(plan, subkey, tuple, chunk.messages);
    }
    if (chunk.messages.size() > begin) {
      chunk.rows.push_back({subkey, begin, chunk.messages.size()});
    }
  }

  void encode_row(const PlanBinding& plan, const Subkey& subkey, HeapTuple tuple,
                  std::string& messages) {
    const bool remember = !binding_.old_row_in_wal;
    encode_copied_row(messages, plan.definitions, plan.ids, remember, {subkey, &effects_});
    if (!remember) return;
    const OutOfLineValues values{subkey, plan.reader.out_of_line_values(tuple, descriptor_, false)};
    if (!values.entries.empty()) encode(messages, values);
  }

  TupleDesc descriptor_;
  const TableBinding& binding_;
  pg::Arena row_arena_;
  std::vector<Value> values_;
  RowEffects effects_;
};

}  // namespace

std::string Chunk::messages_without(const TouchedRows& touched) const {
  std::string kept;
  for (const Row& row : rows) {
    if (!touched.contains(row.subkey)) kept.append(messages, row.begin, row.end - row.begin);
  }
  return kept;
}

Chunk read_chunk(const pg::OpenTable& table, const TableBinding& binding, pg::RowLocation start) {
  Chunk chunk;
  ChunkReader reader(table, binding);
  pg::TableScan scan(table, start);
  while (chunk.row_count < chunk_rows_max && chunk.messages.size() < chunk_bytes_max) {
    const HeapTuple tuple = scan.next();
    chunk.at_end = tuple == nullptr;
    if (chunk.at_end) break;
    reader.add(tuple, chunk);
  }
  chunk.next = scan.position();
  return chunk;
}

}  // namespace brigade
