#include <nlohmann/json.hpp>

#include "pg/background_worker.h"
#include "pg/spi.h"
#include "pg/worker_task.h"
#include "sql_api/text_function.h"

namespace brigade {

namespace {

int64_t find_bucket(std::string_view name) {
  const pg::SqlScope sql;
  const pg::Rows rows =
      pg::execute("SELECT id FROM brigade.buckets WHERE bucket = $1", pg::Parameters().add(name));
  if (!rows.empty()) return rows.bigint(0, 0);
  throw pg::Error("22023", "there is no bucket \"" + std::string(name) + "\"", {},
                  "SELECT bucket FROM brigade.buckets; lists them.");
}

nlohmann::json compact(int64_t bucket, bool defragment) {
  if (pg::in_recovery()) {
    throw pg::Error("25006", "a standby cannot compact", {}, "Call it on the primary.");
  }
  pg::WorkerTask task;
  task.database = pg::current_database();
  task.argument = bucket;
  task.option = defragment;
  const pg::WorkerTask done = pg::run_task(pg::compaction_task, task);
  return {{"buckets", done.results[0]},
          {"moved", done.results[1]},
          {"deleted", done.results[2]},
          {"reappended", done.results[3]}};
}

}  // namespace

}  // namespace brigade

extern "C" {
PG_FUNCTION_INFO_V1(brigade_compact);

PGDLLEXPORT Datum brigade_compact(PG_FUNCTION_ARGS) {
  return brigade::pg::edge([&] {
    const int64_t bucket =
        fcinfo->args[0].isnull ? 0 : brigade::find_bucket(brigade::text_argument(fcinfo, 0));
    const bool defragment = !fcinfo->args[1].isnull && DatumGetBool(fcinfo->args[1].value);
    return brigade::text_result(brigade::compact(bucket, defragment).dump());
  });
}
}
