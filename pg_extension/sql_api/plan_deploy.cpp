#include <algorithm>
#include <map>

#include "pg/spi.h"
#include "sql_api/checked_config.h"
#include "sql_api/database_catalog.h"
#include "sql_api/text_function.h"
#include "storage/serving_plan.h"

namespace brigade {

namespace {

using nlohmann::json;

// What a deploy would do to each definition.
class DeployPlan {
 public:
  DeployPlan(const Plan& plan, std::vector<SourceTable> tables)
      : plan_(plan), tables_(std::move(tables)), to_copy_(tables_.size()) {}

  void compare_with(const std::map<std::string, std::string>& kept) {
    for (uint32_t i = 0; i < plan_.definitions.size(); i++) {
      const auto known = kept.find(plan_.definitions[i].digest);
      const bool added = known == kept.end();
      add(added ? "added" : "kept", plan_, i,
          added ? plan_.definitions[i].bucket_name : known->second);
      if (added) note_copy(plan_.definitions[i].table);
    }
  }

  void compare_with(const ServingPlan& active) {
    for (uint32_t i = 0; i < active.plan.definitions.size(); i++) {
      const bool stays = std::any_of(
          plan_.definitions.begin(), plan_.definitions.end(), [&](const Definition& definition) {
            return definition.digest == active.plan.definitions[i].digest;
          });
      if (!stays) add("removed", active.plan, i, active.bucket_names[i]);
    }
  }

  // A table is read once for all the definitions that are new.
  json rows_to_copy() const {
    return sum([&](size_t i) { return to_copy_[i]; });
  }

  const json& definitions() const { return definitions_; }

 private:
  void add(const char* change, const Plan& plan, uint32_t index, const std::string& name) {
    const Definition& definition = plan.definitions[index];
    const bool source = definition.kind == Definition::Kind::bucket_source;
    definitions_.push_back(
        {{"change", change},
         {"kind", source ? "bucket_source" : "lookup_index"},
         {"name", source ? json(name) : json(nullptr)},
         {"streams", streams_of(plan, index)},
         {"table", definition.table.schema + "." + definition.table.table},
         {"rows", sum([&](size_t i) { return reads_rows_of(definition.table, tables_[i]); })}});
  }

  void note_copy(const TablePattern& pattern) {
    for (size_t i = 0; i < tables_.size(); i++) {
      if (reads_rows_of(pattern, tables_[i])) to_copy_[i] = true;
    }
  }

  // Of the tables whose size is known; null if there are others only.
  template <typename Includes>
  json sum(Includes includes) const {
    std::optional<int64_t> rows;
    bool unknown = false;
    for (size_t i = 0; i < tables_.size(); i++) {
      if (tables_[i].kind != SourceTable::Kind::table || !includes(i)) continue;
      unknown = unknown || !tables_[i].row_estimate;
      if (tables_[i].row_estimate) rows = rows.value_or(0) + *tables_[i].row_estimate;
    }
    if (!rows && unknown) return nullptr;
    return rows.value_or(0);
  }

  static bool uses(const Querier& querier, uint32_t definition) {
    return querier.source == definition ||
           std::any_of(querier.steps.begin(), querier.steps.end(), [&](const Step& step) {
             return step.kind == Step::Kind::lookup && step.definition == definition;
           });
  }

  static json streams_of(const Plan& plan, uint32_t definition) {
    auto names = json::array();
    for (const Stream& stream : plan.streams) {
      const bool used = std::any_of(stream.queriers.begin(), stream.queriers.end(),
                                    [&](const Querier& each) { return uses(each, definition); });
      if (used && std::find(names.begin(), names.end(), json(stream.name)) == names.end()) {
        names.push_back(stream.name);
      }
    }
    return names;
  }

  const Plan& plan_;
  std::vector<SourceTable> tables_;
  std::vector<bool> to_copy_;  // parallel to tables_
  json definitions_ = json::array();
};

// Digests of the definitions whose data is up to date, with what their buckets' names begin with.
std::map<std::string, std::string> find_kept_definitions() {
  const pg::Rows rows = pg::query(
      "SELECT digest, bucket_name FROM brigade.definition WHERE id IN"
      " (SELECT unnest(definitions) FROM brigade.sync_config"
      "  WHERE state = 'active' OR retained_until > now())");
  std::map<std::string, std::string> kept;
  for (size_t row = 0; row < rows.size(); row++) {
    kept.emplace(rows.bytes(row, 0), rows.bytes(row, 1));
  }
  return kept;
}

json plan_deploy(std::string_view yaml) {
  const pg::SqlScope sql;
  const Compilation compilation = compile_and_check(yaml);
  if (has_errors(compilation)) raise_errors(compilation.diagnostics);
  DatabaseCatalog catalog;
  DeployPlan deploy(*compilation.plan, catalog.tables());
  deploy.compare_with(find_kept_definitions());
  const std::shared_ptr<const ServingPlan> active = serving_plan();
  if (active != nullptr) deploy.compare_with(*active);
  return {{"changed", find_equal_config(yaml, serialize(*compilation.plan)) == 0},
          {"active_config", active == nullptr ? json(nullptr) : json(active->config_id)},
          {"rows_to_copy", deploy.rows_to_copy()},
          {"definitions", deploy.definitions()},
          {"diagnostics", to_json(compilation.diagnostics)}};
}

}  // namespace

}  // namespace brigade

extern "C" {
PG_FUNCTION_INFO_V1(brigade_plan_deploy);

PGDLLEXPORT Datum brigade_plan_deploy(PG_FUNCTION_ARGS) {
  return brigade::pg::edge([&] {
    return brigade::text_result(brigade::plan_deploy(brigade::text_argument(fcinfo, 0)).dump());
  });
}
}
