#include "pg/worker_pipe.h"

#include <utility>

#include "pg/error.h"
#include "pg/memory.h"
#include "pg/server.h"

extern "C" {
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
}

#include "pg/compatibility.h"

namespace brigade::pg {

namespace {

// An answer that does not fit is handed over in parts.
constexpr size_t answers_bytes = 2 << 20;
// Twice what is asked at once, so that it always fits.
constexpr size_t requests_bytes = 2 * WorkerPipe::request_bytes_max;

struct Segment {
  uint32_t database;
  alignas(MAXIMUM_ALIGNOF) char requests[requests_bytes];
  alignas(MAXIMUM_ALIGNOF) char answers[answers_bytes];
};

Segment& content_of(dsm_segment* segment) {
  return *static_cast<Segment*>(dsm_segment_address(segment));
}

shm_mq* queue_at(char* place) { return reinterpret_cast<shm_mq*>(place); }

// Outlives the transaction that is open.
dsm_segment* create_segment() {
  dsm_segment* segment = dsm_create(sizeof(Segment), 0);
  dsm_pin_mapping(segment);
  Segment& content = content_of(segment);
  content.database = MyDatabaseId;
  shm_mq_set_sender(shm_mq_create(content.requests, requests_bytes), MyProc);
  shm_mq_set_receiver(shm_mq_create(content.answers, answers_bytes), MyProc);
  return segment;
}

}  // namespace

WorkerPipe::WorkerPipe()
    : memory_(Arena::permanent("pg_brigade pipe")),
      segment_(guard([] { return create_segment(); })) {}

std::unique_ptr<WorkerPipe> WorkerPipe::launch(const WorkerKind& kind) {
  std::unique_ptr<WorkerPipe> pipe(new WorkerPipe());
  return pipe->attach(kind) ? std::move(pipe) : nullptr;
}

bool WorkerPipe::attach(const WorkerKind& kind) {
  const ContextScope in_memory(memory_);
  BackgroundWorkerHandle* worker = launch_worker_with(kind, dsm_segment_handle(segment_));
  if (worker == nullptr) return false;
  Segment& content = content_of(segment_);
  requests_ = guard([&] { return shm_mq_attach(queue_at(content.requests), segment_, worker); });
  answers_ = guard([&] { return shm_mq_attach(queue_at(content.answers), segment_, worker); });
  return true;
}

WorkerPipe::~WorkerPipe() {
  guard([&] { dsm_detach(segment_); });
}

bool WorkerPipe::send(std::string_view request) {
  return guard([&] { return send_message(requests_, request.size(), request.data(), true); }) ==
         SHM_MQ_SUCCESS;
}

WorkerPipe::State WorkerPipe::receive(std::string_view& answer) {
  Size size = 0;
  void* data = nullptr;
  switch (guard([&] { return shm_mq_receive(answers_, &size, &data, true); })) {
    case SHM_MQ_WOULD_BLOCK:
      return State::waiting;
    case SHM_MQ_DETACHED:
      return State::gone;
    case SHM_MQ_SUCCESS:
      break;
  }
  answer = {static_cast<const char*>(data), size};
  return State::answered;
}

WorkerPipeEnd::WorkerPipeEnd(uintptr_t main_argument) {
  auto* segment = guard([&] { return dsm_attach(DatumGetUInt32(main_argument)); });
  if (segment == nullptr) throw Error("55000", "the process that wanted this has ended");
  Segment& content = content_of(segment);
  database_ = content.database;
  shm_mq* requests = queue_at(content.requests);
  shm_mq* answers = queue_at(content.answers);
  const ContextScope for_ever(TopMemoryContext);
  guard([&] {
    shm_mq_set_receiver(requests, MyProc);
    shm_mq_set_sender(answers, MyProc);
  });
  requests_ = guard([&] { return shm_mq_attach(requests, segment, nullptr); });
  answers_ = guard([&] { return shm_mq_attach(answers, segment, nullptr); });
}

std::optional<std::string_view> WorkerPipeEnd::receive() {
  Size size = 0;
  void* data = nullptr;
  const shm_mq_result result =
      guard([&] { return shm_mq_receive(requests_, &size, &data, false); });
  if (result == SHM_MQ_DETACHED) return std::nullopt;
  return std::string_view(static_cast<const char*>(data), size);
}

void WorkerPipeEnd::send(std::string_view answer) {
  guard([&] { send_message(answers_, answer.size(), answer.data(), false); });
}

}  // namespace brigade::pg
