#include "pg/background_worker.h"
#include "pg/server.h"
#include "pg/settings.h"

extern "C" {
PG_MODULE_MAGIC;

// Any session may load the library, long after the server started.
PGDLLEXPORT void _PG_init() {
  brigade::pg::define_settings();
  brigade::pg::register_worker(brigade::pg::launcher);
}
}
