#pragma once

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "decoding/active_plan.h"
#include "decoding/change_message.h"
#include "decoding/row_reader.h"
#include "evaluator/table_evaluator.h"
#include "pg/table_scan.h"

extern "C" {
#include "utils/relcache.h"
}

namespace brigade {

// One plan's view of one table, under one of its names.
struct PlanBinding {
  std::shared_ptr<const ActivePlan> plan;
  RowReader reader;
  TableEvaluator evaluator;
  std::vector<int> key_columns;  // indexes into the rows `reader` gives
  TableDefinitions definitions;  // those that no earlier plan has
  // Of these, those that the columns of old rows in the WAL tell where a row was, and the others.
  TableDefinitions located;
  TableDefinitions remembered;
};

// What the decoder knows of a table, as the catalog was when the change was made.
struct TableBinding {
  enum class Role { ignored, source, write_checkpoint };
  Role role = Role::ignored;
  std::string name;              // schema.table
  std::array<char, 4> prefix{};  // of the subkeys of its rows
  std::string replica_identity;  // as IdentityChange tells it
  bool old_row_in_wal = false;   // all of it: replica identity FULL
  bool has_key = false;          // rows can be told apart
  std::vector<PlanBinding> plans;
};

// Binds tables to plans on first sight, and anew when the catalog or the plans change.
class RelationCache {
 public:
  RelationCache();

  void set_plans(ActivePlans plans);
  // `is_new`: it was not in the cache. Throws pg::Error.
  const std::shared_ptr<const TableBinding>& binding(Relation relation, bool& is_new);
  // Whether the catalog said since the last call that some table may have changed.
  static bool take_catalog_change();

 private:
  ActivePlans plans_;
  std::unordered_map<Oid, std::shared_ptr<const TableBinding>> bindings_;
};

// Binds plans to a table, under each of its names. The ids of definitions in `covered`, and those
// that an earlier plan or name has, are left out.
TableBinding bind_table(Relation relation, const ActivePlans& plans, std::vector<int32_t> covered);

}  // namespace brigade
