#include "pg/worker_task.h"

#include <cstring>

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
}

namespace brigade::pg {

namespace {

void wait_for_end(BackgroundWorkerHandle* handle) {
  try {
    const BgwHandleStatus status = guard([&] { return WaitForBackgroundWorkerShutdown(handle); });
    if (status == BGWH_POSTMASTER_DIED) throw Error("57P02", "the postmaster died");
  } catch (const Error&) {
    TerminateBackgroundWorker(handle);
    throw;
  }
}

}  // namespace

WorkerTask run_task(const WorkerKind& kind, const WorkerTask& task) {
  auto* segment = guard([] { return dsm_create(sizeof(WorkerTask), 0); });
  auto* shared = static_cast<WorkerTask*>(dsm_segment_address(segment));
  std::memcpy(static_cast<void*>(shared), &task, sizeof(task));
  BackgroundWorkerHandle* handle = launch_worker_with(kind, dsm_segment_handle(segment));
  if (handle == nullptr) {
    throw Error("53000", std::string("no free slot for the ") + kind.type, {},
                "Raise max_worker_processes.");
  }
  wait_for_end(handle);
  const WorkerTask result = *shared;
  guard([&] { dsm_detach(segment); });
  if (result.error[0] != '\0') throw Error(result.sqlstate, result.error);
  if (!result.done) {
    throw Error("57P01", std::string("the ") + kind.type + " ended early", {},
                "The server's log says why.");
  }
  return result;
}

WorkerTask& attach_task(uintptr_t main_argument) {
  auto* segment = guard([&] { return dsm_attach(DatumGetUInt32(main_argument)); });
  if (segment == nullptr) throw Error("55000", "the session that wanted this has ended");
  return *static_cast<WorkerTask*>(dsm_segment_address(segment));
}

void fail_task(WorkerTask& task, const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  strlcpy(task.sqlstate, known == nullptr ? "XX000" : known->sqlstate().c_str(),
          sizeof(task.sqlstate));
  strlcpy(task.error, *error.what() == '\0' ? "failed" : error.what(), sizeof(task.error));
}

}  // namespace brigade::pg
