#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "evaluator/resolver.h"
#include "evaluator/table_evaluator.h"
#include "sync_config/compiler.h"

namespace brigade {

// A config with a few rows, held in memory as storage holds them: what each bucket has, and the
// lookup entries. Tests ask it what a request would get.
class World : public LookupReader {
 public:
  explicit World(const std::string& yaml) {
    Compilation compilation = compile(yaml);
    for (const Diagnostic& diagnostic : compilation.diagnostics) {
      EXPECT_NE(diagnostic.severity, Diagnostic::Severity::error)
          << diagnostic.line << ":" << diagnostic.column << " " << diagnostic.message;
    }
    if (!compilation.plan) throw std::runtime_error("the config does not compile");
    // Always through the serialised form, as in the server.
    plan = deserialize(serialize(*compilation.plan));
  }

  // Adds a row: column names and values, which are JSON scalars.
  void add(const std::string& table, const nlohmann::ordered_json& row,
           const std::string& schema = "public") {
    std::vector<std::string> columns;
    std::vector<Value> values;
    std::vector<std::string> texts;
    texts.reserve(row.size());
    for (const auto& [name, value] : row.items()) {
      columns.push_back(name);
      values.push_back(to_value(value, texts));
    }
    RowEffects effects;
    TableEvaluator(plan, schema, table, columns).evaluate(values, effects);
    take(effects);
  }

  std::vector<std::vector<std::string>> find(uint32_t definition,
                                             std::span<const std::string> keys) override {
    std::vector<std::vector<std::string>> values;
    for (const std::string& key : keys) values.push_back(lookups[{definition, key}]);
    lookup_count += keys.size();
    return values;
  }

  Resolution resolve(const Request& request, const ResolveLimits& limits = {}) {
    return brigade::resolve(plan, request, *this, limits);
  }

  // What a client holds after syncing: "table/id" of every row of its buckets, sorted.
  std::set<std::string> rows_for(const Request& request) {
    std::set<std::string> ids;
    for (const ResolvedBucket& bucket : resolve(request).buckets) {
      const auto& rows = buckets[{bucket.definition, bucket.parameters}];
      ids.insert(rows.begin(), rows.end());
    }
    return ids;
  }
  std::set<std::string> rows_for(const std::string& user) {
    Request request;
    request.user_id = user;
    request.token_json = "{\"sub\":\"" + user + "\"}";
    return rows_for(request);
  }

  Plan plan;
  std::map<std::pair<uint32_t, std::string>, std::set<std::string>> buckets;
  std::map<std::pair<uint32_t, std::string>, std::vector<std::string>> lookups;
  std::vector<std::string> data;    // of all rows, in the order of adding
  std::vector<std::string> errors;  // of rows
  size_t lookup_count = 0;

 private:
  static Value to_value(const nlohmann::ordered_json& json, std::vector<std::string>& texts) {
    if (json.is_number_float()) return Value::of_real(json.get<double>());
    if (json.is_number()) return Value::of_integer(json.get<int64_t>());
    if (!json.is_string()) return Value::null();
    texts.push_back(json.get<std::string>());
    return Value::of_text(texts.back());
  }

  void take(const RowEffects& effects) {
    for (const RowEffects::Output& output : effects.outputs) {
      data.push_back(output.data);
      for (const std::string& parameters : output.parameters) {
        buckets[{output.definition, parameters}].insert(output.object_type + "/" +
                                                        output.object_id);
      }
    }
    for (const RowEffects::Lookup& lookup : effects.lookups) {
      lookups[{lookup.definition, lookup.key}].push_back(lookup.value);
    }
    for (const RowEffects::Error& error : effects.errors) errors.push_back(error.message);
  }
};

}  // namespace brigade
