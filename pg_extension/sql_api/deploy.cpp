#include "pg/background_worker.h"
#include "pg/spi.h"
#include "sql_api/checked_config.h"
#include "sql_api/text_function.h"
#include "sql_api/worker_start.h"

namespace brigade {

namespace {

using nlohmann::json;

void require_logical_wal() {
  if (pg::wal_level_is_logical()) return;
  throw pg::Error("55000", "wal_level must be \"logical\" to deploy a sync config", {},
                  "ALTER SYSTEM SET wal_level = logical; then restart the server.");
}

int32_t insert_config(std::string_view yaml, std::string_view plan) {
  const pg::Rows rows =
      pg::execute("INSERT INTO brigade.sync_config (yaml, plan) VALUES ($1, $2) RETURNING id",
                  pg::Parameters().add(yaml).add(plan));
  return rows.integer(0, 0);
}

json deploy(std::string_view yaml) {
  require_logical_wal();
  const pg::SqlScope sql;
  const Compilation compilation = compile_and_check(yaml);
  if (!compilation.plan) raise_errors(compilation.diagnostics);
  const std::string plan = serialize(*compilation.plan);
  // Deploys take turns, so that none is compared with a config that another is replacing.
  pg::execute("LOCK TABLE brigade.sync_config IN SHARE ROW EXCLUSIVE MODE");
  int32_t config = find_equal_config(yaml, plan);
  const bool changed = config == 0;
  // A config in force stays so when a table of it is gone: sidecars deploy it at every start.
  if (changed && has_errors(compilation)) raise_errors(compilation.diagnostics);
  if (changed) config = insert_config(yaml, plan);
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
