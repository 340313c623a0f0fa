#include <algorithm>
#include <nlohmann/json.hpp>

#include "pg/background_worker.h"
#include "pg/spi.h"
#include "sql_api/database_catalog.h"
#include "sql_api/text_function.h"
#include "sql_api/worker_start.h"
#include "sync_config/compiler.h"

namespace brigade {

namespace {

using nlohmann::json;

std::string describe(const Diagnostic& diagnostic) {
  return "line " + std::to_string(diagnostic.line) + ", column " +
         std::to_string(diagnostic.column) + ": " + diagnostic.message;
}

json to_json(const Diagnostic& diagnostic) {
  const bool error = diagnostic.severity == Diagnostic::Severity::error;
  return {{"severity", error ? "error" : "warning"},
          {"line", diagnostic.line},
          {"column", diagnostic.column},
          {"message", diagnostic.message},
          {"remedy", diagnostic.remedy}};
}

json to_json(const std::vector<Diagnostic>& diagnostics) {
  auto list = json::array();
  for (const Diagnostic& diagnostic : diagnostics) list.push_back(to_json(diagnostic));
  return list;
}

// The first error is the message; the others are its detail.
[[noreturn]] void raise_errors(const std::vector<Diagnostic>& diagnostics) {
  const Diagnostic* first = nullptr;
  std::string others;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity != Diagnostic::Severity::error) continue;
    if (first == nullptr) {
      first = &diagnostic;
    } else {
      others += (others.empty() ? "Also: " : "\n") + describe(diagnostic);
    }
  }
  if (first == nullptr) throw pg::Error("XX000", "the sync config has no plan and no error");
  throw pg::Error("22023", "sync config: " + describe(*first), others, first->remedy);
}

void require_logical_wal() {
  if (pg::wal_level_is_logical()) return;
  throw pg::Error("55000", "wal_level must be \"logical\" to deploy a sync config", {},
                  "ALTER SYSTEM SET wal_level = logical; then restart the server.");
}

// The config already in force or on its way with the same text; 0 if there is none.
int32_t find_equal_config(std::string_view yaml) {
  const pg::Rows rows = pg::execute(
      "SELECT CASE WHEN yaml = $1 THEN id ELSE 0 END FROM brigade.sync_config"
      " WHERE state IN ('active', 'processing') ORDER BY id DESC LIMIT 1",
      pg::Parameters().add(yaml));
  return rows.empty() ? 0 : rows.integer(0, 0);
}

int32_t insert_config(std::string_view yaml, const Plan& plan) {
  const pg::Rows rows =
      pg::execute("INSERT INTO brigade.sync_config (yaml, plan) VALUES ($1, $2) RETURNING id",
                  pg::Parameters().add(yaml).add(serialize(plan)));
  return rows.integer(0, 0);
}

// Compiles, and compares what the queries read with the catalog. REQUIRES: an SqlScope.
Compilation compile_and_check(std::string_view yaml) {
  Compilation compilation = compile(yaml);
  DatabaseCatalog catalog;
  for (Diagnostic& found : check_tables(compilation.table_uses, catalog)) {
    compilation.diagnostics.push_back(std::move(found));
  }
  return compilation;
}

bool has_errors(const Compilation& compilation) {
  return std::any_of(compilation.diagnostics.begin(), compilation.diagnostics.end(),
                     [](const Diagnostic& diagnostic) {
                       return diagnostic.severity == Diagnostic::Severity::error;
                     });
}

json deploy(std::string_view yaml) {
  require_logical_wal();
  const pg::SqlScope sql;
  const Compilation compilation = compile_and_check(yaml);
  if (!compilation.plan) raise_errors(compilation.diagnostics);
  // Deploys take turns, so that none is compared with a config that another is replacing.
  pg::execute("LOCK TABLE brigade.sync_config IN SHARE ROW EXCLUSIVE MODE");
  int32_t config = find_equal_config(yaml);
  const bool changed = config == 0;
  // A config in force stays so when a table of it is gone: sidecars deploy it at every start.
  if (changed && has_errors(compilation)) raise_errors(compilation.diagnostics);
  if (changed) config = insert_config(yaml, *compilation.plan);
  start_worker();
  return {
      {"config", config}, {"changed", changed}, {"diagnostics", to_json(compilation.diagnostics)}};
}

json validate(std::string_view yaml) {
  const pg::SqlScope sql;
  const Compilation compilation = compile_and_check(yaml);
  return {{"valid", !has_errors(compilation)}, {"diagnostics", to_json(compilation.diagnostics)}};
}

}  // namespace

}  // namespace brigade

extern "C" {
PG_FUNCTION_INFO_V1(brigade_deploy);
PG_FUNCTION_INFO_V1(brigade_validate);

PGDLLEXPORT Datum brigade_deploy(PG_FUNCTION_ARGS) {
  return brigade::pg::edge([&] {
    return brigade::text_result(brigade::deploy(brigade::text_argument(fcinfo, 0)).dump());
  });
}

PGDLLEXPORT Datum brigade_validate(PG_FUNCTION_ARGS) {
  return brigade::pg::edge([&] {
    return brigade::text_result(brigade::validate(brigade::text_argument(fcinfo, 0)).dump());
  });
}
}
