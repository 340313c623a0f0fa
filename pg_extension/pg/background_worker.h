#pragma once

#include <cstdint>
#include <string>

// Life of a background worker, and what sessions need to start and wake it.
namespace brigade::pg {

inline constexpr const char* worker_type = "pg_brigade worker";

// ---- in the worker

// Installs signal handlers and connects to the database as the bootstrap superuser.
void connect_worker(uint32_t database);
// Reloads settings or ends the process if asked to; call it once a turn.
void handle_worker_interrupts();
// Sleeps until woken (true) or `timeout_ms` has passed (false); ends with the postmaster.
bool wait_for_wake_up(long timeout_ms);
// Ends the worker for good: it is not restarted.
[[noreturn]] void end_worker();
// Marks this process's writes so that our output plugin leaves them out.
void mark_writes_as_own();
// Commits wait at least for the local disk, whatever the database's default is.
void require_durable_commits();

void log_info(const std::string& message);
void log_warning(const std::string& message);

// ---- in any session

uint32_t current_database();
bool in_recovery();
bool wal_level_is_logical();
// Asks the postmaster to run a worker for the database. False: no free worker slot.
bool launch_worker(uint32_t database);
// Wakes the process when this transaction has committed.
void wake_at_commit(int pid);

}  // namespace brigade::pg
