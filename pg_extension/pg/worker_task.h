#pragma once

#include <cstdint>
#include <exception>

#include "pg/background_worker.h"

// Work that a session hands to a background worker of its own, since it takes transactions that a
// function cannot have.
namespace brigade::pg {

// Lives in memory that both processes share; plain data.
struct WorkerTask {
  uint32_t database = 0;
  int64_t argument = 0;
  bool option = false;
  int64_t results[4] = {};
  bool done = false;
  char error[512] = {};  // empty: none
  char sqlstate[6] = {};
};

// ---- in the session

// Runs `kind` with the task and waits for its end. Throws Error if it failed, and when there is no
// free worker slot. Ends it if the session's statement is cancelled. REQUIRES: a transaction.
WorkerTask run_task(const WorkerKind& kind, const WorkerTask& task);

// ---- in the worker

// The task this worker was started for. Call it before connect_worker().
WorkerTask& attach_task(uintptr_t main_argument);
// Copies the error's SQLSTATE, and as much of its message as there is room for.
void fail_task(WorkerTask& task, const std::exception& error);

}  // namespace brigade::pg
