#include "decoding/output_settings.h"
#include "pg/background_worker.h"
#include "pg/error.h"
#include "pg/logical_slot.h"
#include "pg/server.h"
#include "pg/spi.h"
#include "pg/transaction.h"
#include "worker/worker.h"

namespace brigade {

namespace {

// For brigade.status. What cannot be recorded either is in the server's log.
void record_error(const pg::Error& error) {
  try {
    pg::Transaction transaction;
    pg::execute(
        "INSERT INTO brigade.worker_error (message) VALUES ($1)"
        " ON CONFLICT (only_row) DO UPDATE SET message = excluded.message, occurred_at = now()",
        pg::Parameters().add(error.what()));
    transaction.commit();
  } catch (const pg::Error&) {
    return;
  }
}

void run_worker(uint32_t database) {
  try {
    Worker(database).run();
  } catch (const pg::Error& error) {
    record_error(error);
    throw;
  }
}

}  // namespace

}  // namespace brigade

extern "C" PGDLLEXPORT void brigade_worker_main(Datum database) {
  brigade::pg::edge([&] {
    brigade::pg::connect_worker(DatumGetObjectId(database));
    brigade::pg::guard(brigade::fix_output_settings);
    brigade::pg::permit_output_plugin();
    brigade::pg::mark_writes_as_own();
    brigade::pg::plan_with_indexes();
    brigade::run_worker(DatumGetObjectId(database));
  });
}
