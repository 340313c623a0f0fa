// With the library in shared_preload_libraries a launcher starts the workers of all databases when
// the server starts, or a standby is promoted. Without it somebody must ask: brigade.start().
#include "pg/background_worker.h"
#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "nodes/pg_list.h"
#include "postmaster/bgworker.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
}

namespace brigade::pg {

namespace {

constexpr long retry_ms = 100;
constexpr int attempts_max = 100;

// The databases that allow connections.
List* database_ids() {
  List* databases = NIL;
  StartTransactionCommand();
  GetTransactionSnapshot();
  Relation catalog = table_open(DatabaseRelationId, AccessShareLock);
  TableScanDesc scan = table_beginscan_catalog(catalog, 0, nullptr);
  while (HeapTuple tuple = heap_getnext(scan, ForwardScanDirection)) {
    const auto* database = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
    if (!database->datallowconn || database->datistemplate) continue;
    const MemoryContext previous = MemoryContextSwitchTo(TopMemoryContext);
    databases = lappend_oid(databases, database->oid);
    MemoryContextSwitchTo(previous);
  }
  table_endscan(scan);
  table_close(catalog, AccessShareLock);
  CommitTransactionCommand();
  return databases;
}

// A worker without anything to do ends within moments, and its place is free again.
void launch_patiently(uint32_t database) {
  for (int attempt = 0; attempt < attempts_max; attempt++) {
    if (launch_worker(storage_worker, database)) return;
    pause_worker(retry_ms);
  }
  log_warning("no worker for database " + std::to_string(database) +
              ": raise max_worker_processes, then run brigade.start() there");
}

void launch_all() {
  List* databases = guard([]() -> List* {
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
    return database_ids();
  });
  for (int i = 0; i < list_length(databases); i++) launch_patiently(list_nth_oid(databases, i));
}

}  // namespace

}  // namespace brigade::pg

extern "C" PGDLLEXPORT void brigade_launcher_main(Datum) {
  brigade::pg::edge([] { brigade::pg::launch_all(); });
}
