#include "decoding/relation_cache.h"

#include <algorithm>
#include <utility>

#include "decoding/subkey.h"
#include "pg/error.h"

extern "C" {
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

namespace brigade {

namespace {

// Relations the catalog said changed since the cache last looked; InvalidOid means all. The server
// has no way to unregister a callback, so one list serves the process.
struct Invalidations {
  bool all = false;
  bool any = false;  // since take_catalog_change()
  std::vector<Oid> relations;
};
Invalidations invalidations;

void on_relation_change(Datum, Oid relation_id) {
  invalidations.any = true;
  if (relation_id == InvalidOid || invalidations.relations.size() >= 1024) {
    invalidations.all = true;
  } else {
    invalidations.relations.push_back(relation_id);
  }
}

void register_callback_once() {
  static bool registered = false;
  if (registered) return;
  registered = true;
  invalidations.relations.reserve(1024);  // the callback must not throw
  pg::guard([] { CacheRegisterRelcacheCallback(on_relation_change, 0); });
}

// Attribute numbers of the columns that tell rows apart: the replica identity's, else the primary
// key's (identity FULL), else none.
std::vector<int> identity_attributes(Relation relation) {
  const bool full = relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL;
  Bitmapset* attributes = pg::guard([&] {
    return RelationGetIndexAttrBitmap(
        relation, full ? INDEX_ATTR_BITMAP_PRIMARY_KEY : INDEX_ATTR_BITMAP_IDENTITY_KEY);
  });
  std::vector<int> numbers;
  for (int i = bms_next_member(attributes, -1); i >= 0; i = bms_next_member(attributes, i)) {
    numbers.push_back(i + FirstLowInvalidHeapAttributeNumber);
  }
  return numbers;
}

std::string describe_identity(Relation relation) {
  std::string text(1, relation->rd_rel->relreplident);
  for (const int attribute : identity_attributes(relation)) {
    text += ' ' + std::to_string(attribute);
  }
  return text;
}

std::vector<int> key_columns(Relation relation, const RowReader& reader) {
  std::vector<int> columns;
  for (const int attribute : identity_attributes(relation)) {
    columns.push_back(reader.column_of_attribute(attribute));
  }
  // Without a key rows are told apart by all their columns.
  if (columns.empty()) {
    for (size_t i = 0; i < reader.column_count(); i++) columns.push_back(static_cast<int>(i));
  }
  return columns;
}

TableBinding::Role role_of(const pg::QualifiedName& name) {
  if (name.schema == "brigade") {
    return name.table == "write_checkpoint" ? TableBinding::Role::write_checkpoint
                                            : TableBinding::Role::ignored;
  }
  const bool system = name.schema == "pg_catalog" || name.schema == "information_schema";
  return system ? TableBinding::Role::ignored : TableBinding::Role::source;
}

void bind_definitions(PlanBinding& binding, bool old_row_in_wal, std::vector<int32_t>& covered) {
  const Plan& plan = binding.plan->plan;
  std::vector<bool> in_wal(binding.reader.column_count());
  for (const int column : binding.key_columns) in_wal[column] = true;
  for (auto* list : {&binding.definitions, &binding.located, &binding.remembered}) {
    list->ids.assign(plan.definitions.size(), 0);
  }
  for (const uint32_t index : binding.evaluator.definitions()) {
    const int32_t id = binding.plan->definition_ids[index];
    if (std::ranges::find(covered, id) != covered.end()) continue;
    covered.push_back(id);
    const bool located = old_row_in_wal || binding.evaluator.is_located_by(in_wal, index);
    const auto kind = plan.definitions[index].kind;
    binding.definitions.add(index, id, kind);
    (located ? binding.located : binding.remembered).add(index, id, kind);
  }
}

PlanBinding bind_plan(Relation relation, const std::shared_ptr<const ActivePlan>& plan,
                      const pg::QualifiedName& name, std::vector<int32_t>& covered) {
  RowReader reader(RelationGetDescr(relation), plan->plan.value_options);
  TableEvaluator evaluator(plan->plan, name.schema, name.table, reader.column_names());
  PlanBinding binding{plan, std::move(reader), std::move(evaluator), {}, {}, {}, {}};
  binding.key_columns = key_columns(relation, binding.reader);
  std::vector<bool> read_columns = binding.evaluator.needed_columns();
  for (const int column : binding.key_columns) read_columns[column] = true;
  binding.reader.read_only(read_columns);
  bind_definitions(binding, relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL, covered);
  return binding;
}

}  // namespace

TableBinding bind_table(Relation relation, const ActivePlans& plans, std::vector<int32_t> covered) {
  TableBinding table;
  const std::vector<pg::QualifiedName> names = pg::names_of(relation);
  table.name = names.front().text();
  table.prefix = table_prefix(table.name);
  table.role = role_of(names.front());
  if (table.role != TableBinding::Role::source) return table;
  for (const auto& plan : plans) {
    for (const pg::QualifiedName& name : names) {
      PlanBinding bound = bind_plan(relation, plan, name, covered);
      if (!bound.definitions.empty()) table.plans.push_back(std::move(bound));
    }
  }
  if (table.plans.empty()) {
    table.role = TableBinding::Role::ignored;
    return table;
  }
  table.replica_identity = describe_identity(relation);
  table.old_row_in_wal = relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL;
  table.has_key = table.old_row_in_wal || !identity_attributes(relation).empty();
  return table;
}

RelationCache::RelationCache() { register_callback_once(); }

void RelationCache::set_plans(ActivePlans plans) {
  plans_ = std::move(plans);
  bindings_.clear();
}

bool RelationCache::take_catalog_change() { return std::exchange(invalidations.any, false); }

const std::shared_ptr<const TableBinding>& RelationCache::binding(Relation relation, bool& is_new) {
  if (invalidations.all) bindings_.clear();
  for (const Oid id : invalidations.relations) bindings_.erase(id);
  invalidations.all = false;
  invalidations.relations.clear();
  std::shared_ptr<const TableBinding>& binding = bindings_[RelationGetRelid(relation)];
  is_new = binding == nullptr;
  if (is_new) {
    binding = std::make_shared<TableBinding>(bind_table(relation, plans_, {}));
  }
  return binding;
}

}  // namespace brigade
