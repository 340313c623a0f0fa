#include "decoding/output_settings.h"
#include "pg/background_worker.h"
#include "pg/error.h"
#include "pg/logical_slot.h"
#include "pg/server.h"
#include "worker/worker.h"

extern "C" PGDLLEXPORT void brigade_worker_main(Datum database) {
  brigade::pg::edge([&] {
    brigade::pg::connect_worker(DatumGetObjectId(database));
    brigade::pg::guard(brigade::fix_output_settings);
    brigade::pg::permit_output_plugin();
    brigade::pg::mark_writes_as_own();
    brigade::pg::override_database_settings();
    brigade::Worker(DatumGetObjectId(database)).run();
  });
}
