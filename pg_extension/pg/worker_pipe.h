#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "pg/background_worker.h"
#include "pg/memory.h"

struct dsm_segment;
struct shm_mq_handle;

// Requests to a background worker and its answers, over the server's shared memory queues, as
// parallel queries use them.
namespace brigade::pg {

// ---- in the process that asks

class WorkerPipe {
 public:
  static constexpr size_t request_bytes_max = 32 * 1024;

  // Starts a worker of `kind` for this database. Null: no free worker slot.
  static std::unique_ptr<WorkerPipe> launch(const WorkerKind& kind);
  // The worker ends when it has answered.
  ~WorkerPipe();
  WorkerPipe(const WorkerPipe&) = delete;
  WorkerPipe& operator=(const WorkerPipe&) = delete;

  // Never waits. False: the worker is gone. REQUIRES: `request` is not longer than
  // request_bytes_max, and the one before was answered.
  bool send(std::string_view request);

  enum class State : uint8_t { waiting, answered, gone };
  // Never waits; the coming of an answer wakes this process. `answer` is good until the next call.
  State receive(std::string_view& answer);

 private:
  WorkerPipe();
  bool attach(const WorkerKind& kind);

  Arena memory_;  // of the server's handles
  dsm_segment* segment_;
  shm_mq_handle* requests_ = nullptr;
  shm_mq_handle* answers_ = nullptr;
};

// ---- in the worker

class WorkerPipeEnd {
 public:
  // Call it before connect_worker().
  explicit WorkerPipeEnd(uintptr_t main_argument);

  uint32_t database() const { return database_; }
  // The next request, good until the next call; waits for it. Absent: the other end is gone.
  std::optional<std::string_view> receive();
  // Waits while there is no room.
  void send(std::string_view answer);

 private:
  uint32_t database_;
  shm_mq_handle* requests_;
  shm_mq_handle* answers_;
};

}  // namespace brigade::pg
