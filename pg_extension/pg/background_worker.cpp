#include "pg/background_worker.h"

#include <utility>

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "replication/origin.h"
#include "storage/bufmgr.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/wait_event.h"
}

namespace brigade::pg {

namespace {

constexpr int restart_seconds = 1;

// What a database or role sets must not cancel a worker, nor change what it does.
constexpr std::pair<const char*, const char*> worker_settings[] = {
    {"statement_timeout", "0"},
    {"lock_timeout", "0"},
    {"idle_in_transaction_session_timeout", "0"},
    {"temp_file_limit", "-1"},
    {"default_transaction_read_only", "off"},
    // Compaction and storage change bucket counters beside each other.
    {"default_transaction_isolation", "read committed"},
    {"search_path", "pg_catalog, pg_temp"},
    {"row_security", "off"},
    // Its statements are small, and run often.
    {"jit", "off"},
};

void set_setting(const char* name, const char* value) {
  SetConfigOption(name, value, PGC_SUSET, PGC_S_SESSION);
}

}  // namespace

void connect_worker(uint32_t database) {
  guard([&] {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
    for (const auto& [name, value] : worker_settings) set_setting(name, value);
    if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF) set_setting("synchronous_commit", "local");
    // The kernel would collect what a copy writes, and commits wait while it writes all of it.
    if (backend_flush_after == 0) set_setting("backend_flush_after", "256kB");
  });
}

void handle_worker_interrupts() {
  guard([] {
    CHECK_FOR_INTERRUPTS();
    if (!ConfigReloadPending) return;
    ConfigReloadPending = false;
    ProcessConfigFile(PGC_SIGHUP);
  });
}

bool wait_for_wake_up(long timeout_ms) {
  return guard([&]() -> bool {
    const int events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                                 timeout_ms, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    return (events & WL_LATCH_SET) != 0;
  });
}

void pause_worker(long duration_ms) {
  if (duration_ms <= 0) return;
  guard([&] {
    WaitLatch(nullptr, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, duration_ms, PG_WAIT_EXTENSION);
  });
}

void end_worker() { proc_exit(0); }

void mark_writes_as_own() { replorigin_session_origin = DoNotReplicateId; }

void commit_without_waiting() {
  guard([] { set_setting("synchronous_commit", "off"); });
}

void plan_with_indexes() {
  guard([] {
    for (const char* method : {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"}) {
      set_setting(method, "off");
    }
  });
}

void log_warning(const std::string& message) {
  guard([&] { ereport(WARNING, (errmsg_internal("pg_brigade: %s", message.c_str()))); });
}

void log_info(const std::string& message) {
  guard([&] { ereport(LOG, (errmsg_internal("pg_brigade: %s", message.c_str()))); });
}

uint32_t current_database() { return MyDatabaseId; }
bool in_recovery() { return RecoveryInProgress(); }
bool wal_level_is_logical() { return wal_level >= WAL_LEVEL_LOGICAL; }

namespace {

BackgroundWorker describe(const WorkerKind& kind, uint32_t argument) {
  BackgroundWorker worker{};
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker.bgw_restart_time = kind.restarts ? restart_seconds : BGW_NEVER_RESTART;
  worker.bgw_main_arg = UInt32GetDatum(argument);
  strlcpy(worker.bgw_library_name, "pg_brigade", sizeof(worker.bgw_library_name));
  strlcpy(worker.bgw_function_name, kind.function, sizeof(worker.bgw_function_name));
  strlcpy(worker.bgw_name, kind.type, sizeof(worker.bgw_name));
  strlcpy(worker.bgw_type, kind.type, sizeof(worker.bgw_type));
  return worker;
}

}  // namespace

void register_worker(const WorkerKind& kind) {
  if (!process_shared_preload_libraries_in_progress) return;
  BackgroundWorker worker = describe(kind, 0);
  RegisterBackgroundWorker(&worker);
}

BackgroundWorkerHandle* launch_worker_with(const WorkerKind& kind, uint32_t argument) {
  return guard([&]() -> BackgroundWorkerHandle* {
    BackgroundWorker worker = describe(kind, argument);
    worker.bgw_notify_pid = MyProcPid;
    BackgroundWorkerHandle* handle = nullptr;
    return RegisterDynamicBackgroundWorker(&worker, &handle) ? handle : nullptr;
  });
}

bool launch_worker(const WorkerKind& kind, uint32_t database) {
  return launch_worker_with(kind, database) != nullptr;
}

namespace {

int pid_to_wake = 0;

void wake_after_commit(XactEvent event, void*) {
  if (pid_to_wake == 0 || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT)) return;
  PGPROC* process = event == XACT_EVENT_COMMIT ? BackendPidGetProc(pid_to_wake) : nullptr;
  if (process != nullptr) SetLatch(&process->procLatch);
  pid_to_wake = 0;
}

}  // namespace

void wake_at_commit(int pid) {
  static bool registered = false;
  if (!registered) {
    guard([] { RegisterXactCallback(wake_after_commit, nullptr); });
    registered = true;
  }
  pid_to_wake = pid;
}

}  // namespace brigade::pg
