#pragma once

#include <cstdint>
#include <string>

struct BackgroundWorkerHandle;

// Life of a background worker, and what sessions need to start and wake it.
namespace brigade::pg {

// What kinds of background workers there are. `function` is exported by this library.
struct WorkerKind {
  const char* type;  // as pg_stat_activity shows it
  const char* function;
  bool restarts;  // after an error or a crash
};
inline constexpr WorkerKind storage_worker{"pg_brigade worker", "brigade_worker_main", true};
inline constexpr WorkerKind compaction_worker{"pg_brigade compaction", "brigade_compaction_main",
                                              true};
inline constexpr WorkerKind compaction_task{"pg_brigade compaction task",
                                            "brigade_compaction_task_main", false};
inline constexpr WorkerKind compaction_helper{"pg_brigade compaction helper",
                                              "brigade_compaction_helper_main", false};
inline constexpr WorkerKind copy_reader{"pg_brigade copy reader", "brigade_copy_reader_main",
                                        false};
inline constexpr WorkerKind launcher{"pg_brigade launcher", "brigade_launcher_main", false};

// Has a worker started with the server, or at the end of recovery. For _PG_init: does nothing
// unless the library is in shared_preload_libraries.
void register_worker(const WorkerKind& kind);

// ---- in the worker

// Installs signal handlers and connects to the database as the bootstrap superuser; what the
// database or the role sets to its disadvantage does not count for it.
void connect_worker(uint32_t database);
// Reloads settings or ends the process if asked to; call it once a turn.
void handle_worker_interrupts();
// Sleeps until woken (true) or `timeout_ms` has passed (false); ends with the postmaster.
bool wait_for_wake_up(long timeout_ms);
// Sleeps for `duration_ms`, also when woken; ends with the postmaster.
void pause_worker(long duration_ms);
// Ends the worker for good: it is not restarted.
[[noreturn]] void end_worker();
// Marks this process's writes so that our output plugin leaves them out.
void mark_writes_as_own();
// Commits do not wait for the disk: a crash may undo the last ones, whole.
void commit_without_waiting();
// Plans use indexes whatever the statistics say: those of a young table are wrong.
void plan_with_indexes();

void log_info(const std::string& message);
void log_warning(const std::string& message);

// ---- in any session

uint32_t current_database();
bool in_recovery();
bool wal_level_is_logical();
// Asks the postmaster to run a worker for the database. False: no free worker slot.
bool launch_worker(const WorkerKind& kind, uint32_t database);
// As launch_worker, with any argument for its function; null: no free worker slot.
BackgroundWorkerHandle* launch_worker_with(const WorkerKind& kind, uint32_t argument);
// Wakes the process when this transaction has committed.
void wake_at_commit(int pid);

}  // namespace brigade::pg
