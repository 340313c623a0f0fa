#include "sql_api/worker_start.h"

#include "pg/background_worker.h"
#include "pg/error.h"
#include "pg/server.h"
#include "pg/spi.h"

namespace brigade {

bool start_worker() {
  if (pg::in_recovery()) return false;
  const pg::Rows rows = pg::execute("SELECT brigade.worker_pid()");
  if (!rows.is_null(0, 0)) {
    pg::wake_at_commit(rows.integer(0, 0));
    return false;
  }
  if (!pg::launch_worker(pg::storage_worker, pg::current_database())) {
    throw pg::Error("53000", "no free slot for the pg_brigade worker", {},
                    "Raise max_worker_processes.");
  }
  return true;
}

}  // namespace brigade

extern "C" {
PG_FUNCTION_INFO_V1(brigade_start);

PGDLLEXPORT Datum brigade_start(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  return brigade::pg::edge([] {
    const brigade::pg::SqlScope sql;
    return BoolGetDatum(brigade::start_worker());
  });
}
}
