#include "snapshot/backfill.h"

#include <algorithm>

#include "decoding/relation_cache.h"
#include "decoding/subkey.h"
#include "pg/error.h"
#include "pg/memory.h"
#include "pg/table_scan.h"

extern "C" {
#include "catalog/pg_class.h"
}

namespace brigade {

namespace {

// Rows are applied in parts of about this size, which bounds memory.
constexpr size_t part_bytes_max = 4 << 20;

// Copies one table.
class TableCopy {
 public:
  TableCopy(const pg::OpenTable& table, const pg::TableName& name, const PlanBinding& binding,
            StorageCommit& commit)
      : table_(table),
        name_(name.schema + "." + name.table),
        binding_(binding),
        remember_(table.relation()->rd_rel->relreplident != REPLICA_IDENTITY_FULL),
        commit_(commit),
        row_arena_("pg_brigade backfill row"),
        values_(binding.reader.column_count()) {}

  void run() {
    pg::TableScan scan(table_);
    while (HeapTuple tuple = scan.next()) {
      add(tuple);
      if (messages_.size() >= part_bytes_max) apply();
    }
    apply();
  }

 private:
  void add(HeapTuple tuple) {
    row_arena_.reset();
    const pg::ContextScope in_arena(row_arena_);
    pg::guard([&] {
      binding_.reader.read(tuple, RelationGetDescr(table_.relation()), false, values_.data());
    });
    effects_.clear();
    binding_.evaluator.evaluate(values_, effects_);
    for (const RowEffects::Error& error : effects_.errors) {
      encode(messages_, RowFailure{binding_.ids[error.definition], name_,
                                   describe_key(values_, binding_.key_columns), error.message});
    }
    if (effects_.outputs.empty() && effects_.lookups.empty()) return;
    const EncodableState state{subkey_of(name_, values_, binding_.key_columns), &effects_};
    encode_row_change(messages_, binding_.definitions, binding_.ids, remember_, nullptr, &state);
    if (!remember_) return;
    const OutOfLineValues values{
        state.subkey,
        binding_.reader.out_of_line_values(tuple, RelationGetDescr(table_.relation()), false)};
    if (!values.entries.empty()) encode(messages_, values);
  }

  void apply() {
    commit_.apply(messages_);
    messages_.clear();
  }

  const pg::OpenTable& table_;
  std::string name_;
  const PlanBinding& binding_;
  bool remember_;
  StorageCommit& commit_;
  pg::Arena row_arena_;
  std::vector<Value> values_;
  RowEffects effects_;
  std::string messages_;
};

}  // namespace

void backfill(const std::shared_ptr<const ActivePlan>& plan, const std::vector<int32_t>& staging,
              StorageCommit& commit) {
  std::vector<int32_t> filled_before;
  for (const int32_t id : plan->definition_ids) {
    if (!std::binary_search(staging.begin(), staging.end(), id)) filled_before.push_back(id);
  }
  for (const pg::TableName& name : pg::list_source_tables()) {
    const pg::OpenTable table(name.id);
    std::vector<int32_t> covered = filled_before;
    const PlanBinding binding = bind_plan(table.relation(), plan, name.schema, name.table, covered);
    if (!binding.definitions.empty()) TableCopy(table, name, binding, commit).run();
  }
}

}  // namespace brigade
