#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "decoding/active_plan.h"
#include "decoding/row_reader.h"
#include "evaluator/table_evaluator.h"

extern "C" {
#include "utils/relcache.h"
}

namespace brigade {

// One plan's view of one table.
struct PlanBinding {
  std::shared_ptr<const ActivePlan> plan;
  RowReader reader;
  TableEvaluator evaluator;
  std::vector<int> key_columns;      // indexes into the rows `reader` gives
  std::vector<int32_t> ids;          // definition index → id, 0 where an earlier plan has it
  std::vector<int32_t> definitions;  // the ids that read this table
};

// What the decoder knows of a table, as the catalog was when the change was made.
struct TableBinding {
  enum class Role { ignored, source, write_checkpoint };
  Role role = Role::ignored;
  std::string name;             // schema.table
  bool old_row_in_wal = false;  // replica identity FULL
  bool has_key = false;         // rows can be told apart
  std::vector<PlanBinding> plans;
};

// Binds tables to plans on first sight, and anew when the catalog or the plans change.
class RelationCache {
 public:
  RelationCache();

  void set_plans(ActivePlans plans);
  // Throws pg::Error.
  const std::shared_ptr<const TableBinding>& binding(Relation relation);

 private:
  std::shared_ptr<const TableBinding> bind(Relation relation) const;
  void bind_plans(Relation relation, TableBinding& binding, const std::string& schema,
                  const std::string& table) const;

  ActivePlans plans_;
  std::unordered_map<Oid, std::shared_ptr<const TableBinding>> bindings_;
};

// Binds `plan` to a table; ids of definitions in `covered` are left to an earlier plan.
PlanBinding bind_plan(Relation relation, const std::shared_ptr<const ActivePlan>& plan,
                      const std::string& schema, const std::string& table,
                      std::vector<int32_t>& covered);

}  // namespace brigade
