#include <algorithm>
#include <nlohmann/json.hpp>

#include "decoding/output_settings.h"
#include "decoding/relation_cache.h"
#include "decoding/subkey.h"
#include "evaluator/value_text.h"
#include "pg/spi.h"
#include "pg/table_scan.h"
#include "sql_api/request.h"
#include "sql_api/table_access.h"
#include "sql_api/text_function.h"
#include "storage/hash.h"
#include "sync_config/expression_text.h"

namespace brigade {

namespace {

using nlohmann::json;

// Says of every definition that reads a table what one row means to it.
class RowExplanation {
 public:
  RowExplanation(const ServingPlan& serving, Relation relation)
      : serving_(serving), relation_(relation) {
    active_ = std::make_shared<ActivePlan>();
    active_->config_id = serving.config_id;
    active_->plan = serving.plan;
    active_->definition_ids = serving.definition_ids;
  }

  json run(HeapTuple tuple) {
    const TableBinding binding = bind_table(relation_, {active_}, {});
    names_ = pg::names_of(relation_);
    for (const PlanBinding& plan : binding.plans) describe(binding, plan, tuple);
    if (rows_.empty()) rows_.push_back({{"why", "no query reads the table"}});
    return std::move(rows_);
  }

 private:
  void describe(const TableBinding& binding, const PlanBinding& plan, HeapTuple tuple) {
    columns_ = plan.reader.column_names();
    values_.assign(columns_.size(), Value::null());
    pg::guard([&] {
      const int settings = enter_output_settings();
      plan.reader.read(tuple, RelationGetDescr(relation_), false, values_.data());
      leave_output_settings(settings);
    });
    subkey_ = subkey_of(binding.prefix, values_, plan.key_columns);
    RowEffects effects;
    plan.evaluator.evaluate(values_, effects);
    for (const uint32_t index : plan.evaluator.definitions()) {
      if (plan.definitions.ids[index] != 0) describe(index, effects);
    }
  }

  void describe(uint32_t index, const RowEffects& effects) {
    const size_t before = rows_.size();
    for (const RowEffects::Output& output : effects.outputs) {
      if (output.definition == index) describe(output);
    }
    for (const RowEffects::Lookup& lookup : effects.lookups) {
      if (lookup.definition == index) describe(lookup);
    }
    for (const RowEffects::Error& error : effects.errors) {
      if (error.definition == index) add_row(index, error.message);
    }
    if (rows_.size() == before) add_row(index, why_not(index));
  }

  json& add_row(uint32_t index, const std::string& why) {
    const Definition& definition = serving_.plan.definitions[index];
    auto streams = json::array();
    for (const Stream& stream : serving_.plan.streams) {
      if (reads(stream, index)) streams.push_back(stream.name);
    }
    const bool source = definition.kind == Definition::Kind::bucket_source;
    rows_.push_back({{"streams", std::move(streams)},
                     {"part", source ? "data" : "lookup"},
                     {"bucket", nullptr},
                     {"why", why},
                     {"stored", nullptr}});
    return rows_.back();
  }

  static bool reads(const Stream& stream, uint32_t definition) {
    return std::any_of(stream.queriers.begin(), stream.queriers.end(), [&](const Querier& querier) {
      return querier.source == definition ||
             std::any_of(querier.steps.begin(), querier.steps.end(), [&](const Step& step) {
               return step.kind == Step::Kind::lookup && step.definition == definition;
             });
    });
  }

  // ---- what it is in

  std::string reason(uint32_t index, const std::string& key) const {
    const Definition& definition = serving_.plan.definitions[index];
    const std::string values = readable_values(definition.key, split_key(key));
    const std::string filters = readable_conditions(definition.filters);
    if (values.empty() && filters.empty()) return "all rows";
    return values + (values.empty() || filters.empty() ? "" : " AND ") + filters;
  }

  void describe(const RowEffects::Output& output) {
    for (const std::string& parameters : output.parameters) {
      json& row = add_row(output.definition, reason(output.definition, parameters));
      row["bucket"] = serving_.bucket_names[output.definition] + parameters;
      row["stored"] = is_stored(output, parameters);
    }
  }

  void describe(const RowEffects::Lookup& lookup) {
    const auto& values = serving_.plan.definitions[lookup.definition].values;
    std::string why = reason(lookup.definition, lookup.key);
    if (!values.empty()) why += " has " + readable_values(values, split_key(lookup.value));
    json& row = add_row(lookup.definition, why);
    row["stored"] = is_stored(lookup);
  }

  // ---- what it is not in

  // Filters alone, and no filter at all, tell which of them keeps the row out.
  std::string why_not(uint32_t index) const {
    const Definition& definition = serving_.plan.definitions[index];
    std::vector<Expression> failed;
    for (const Expression& filter : definition.filters) {
      if (!passes(definition, {filter}, {})) failed.push_back(filter);
    }
    std::string text = failed.empty() ? "" : "not true: " + readable_conditions(failed);
    for (const Expression& key : definition.key) {
      if (passes(definition, {}, {key})) continue;
      text += (text.empty() ? "" : "; ") + ("null, binary or empty: " + readable(key));
    }
    return text.empty() ? "a looked-up value is null" : text;
  }

  bool passes(const Definition& definition, std::vector<Expression> filters,
              std::vector<Expression> key) const {
    Plan plan;
    plan.value_options = serving_.plan.value_options;
    Definition& only = plan.definitions.emplace_back(definition);
    only.kind = Definition::Kind::lookup_index;
    only.filters = std::move(filters);
    only.key = std::move(key);
    only.values.clear();
    for (const pg::QualifiedName& name : names_) {
      RowEffects effects;
      TableEvaluator(plan, name.schema, name.table, columns_).evaluate(values_, effects);
      if (!effects.lookups.empty()) return true;
    }
    return false;
  }

  // ---- what storage holds

  pg::Parameters subkey_parameter() const {
    const std::vector<std::string_view> subkeys = {{subkey_.data(), subkey_.size()}};
    return pg::Parameters().add_uuids(subkeys);
  }

  bool is_stored(const RowEffects::Output& output, const std::string& parameters) const {
    const int32_t definition = serving_.definition_ids[output.definition];
    const pg::Rows newest = pg::query(
        "SELECT o.op = 'P' AND o.data = $6 FROM brigade.bucket b JOIN brigade.bucket_op o"
        " ON o.bucket = b.id WHERE b.definition = $2 AND b.parameters = $3"
        " AND b.key_hash = $7 AND o.subkey = ANY ($1) AND o.object_type = $4 AND o.object_id = $5"
        " ORDER BY o.op_id DESC LIMIT 1",
        subkey_parameter()
            .add(definition)
            .add(parameters)
            .add(output.object_type)
            .add(output.object_id)
            .add(output.data)
            .add(key_hash(definition, parameters)));
    return !newest.empty() && newest.boolean(0, 0);
  }

  bool is_stored(const RowEffects::Lookup& lookup) const {
    return !pg::query(
                "SELECT FROM brigade.lookup WHERE subkey = ANY ($1) AND definition = $2"
                " AND key = $3 AND value = $4",
                subkey_parameter()
                    .add(serving_.definition_ids[lookup.definition])
                    .add(lookup.key)
                    .add(lookup.value))
                .empty();
  }

  const ServingPlan& serving_;
  Relation relation_;
  std::shared_ptr<ActivePlan> active_;
  std::vector<pg::QualifiedName> names_;
  std::vector<std::string> columns_;
  std::vector<Value> values_;
  Subkey subkey_{};
  json rows_ = json::array();
};

json explain_row(Oid table_id, ItemPointer row_location) {
  const pg::SqlScope sql;
  const std::shared_ptr<const ServingPlan> serving = require_serving_plan();
  const pg::OpenTable table(table_id);
  if (!table.is_open()) {
    throw pg::Error("55P03", "the table is gone, or locked by another session", {},
                    "Try again when the other session has ended its transaction.");
  }
  HeapTuple tuple = pg::guard([&] {
    require_readable(table.relation());
    return fetch_row(table.relation(), row_location);
  });
  if (tuple == nullptr) return json::array();
  return RowExplanation(*serving, table.relation()).run(tuple);
}

}  // namespace

}  // namespace brigade

extern "C" {
PG_FUNCTION_INFO_V1(brigade_explain_row);

PGDLLEXPORT Datum brigade_explain_row(PG_FUNCTION_ARGS) {
  return brigade::pg::edge([&] {
    auto* place = reinterpret_cast<ItemPointer>(PG_GETARG_POINTER(1));
    return brigade::text_result(brigade::explain_row(PG_GETARG_OID(0), place).dump());
  });
}
}
