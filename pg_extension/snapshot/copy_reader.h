#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "pg/worker_pipe.h"
#include "snapshot/chunk.h"

namespace brigade {

// What to read: rows of one table, for some definitions.
struct ChunkRequest {
  int64_t plans_version = 0;  // grows when the plans in the tables change
  uint32_t relation = 0;
  uint32_t file_node = 0;  // if the table has another file now, nothing is read
  pg::RowLocation start;
  int64_t rows_max = 0;
  std::vector<int32_t> definitions;
};

// A process that reads chunks, so that the worker stores one while the next is read, and waits for
// no disk but when it commits.
class CopyReader {
 public:
  // Null: no free worker slot.
  static std::unique_ptr<CopyReader> launch();

  bool is_busy() const { return busy_; }
  // False: the process is gone, or there is too much to say. REQUIRES: !is_busy().
  bool ask(const ChunkRequest& request);
  // Once, when there is an answer or the process is gone: gives the chunk to `chunk`, unless the
  // table could not be read, and is_busy() is false from then on. Never waits.
  enum class State : uint8_t { waiting, answered, gone };
  State poll(std::optional<Chunk>& chunk);

 private:
  explicit CopyReader(std::unique_ptr<pg::WorkerPipe> pipe) : pipe_(std::move(pipe)) {}

  std::unique_ptr<pg::WorkerPipe> pipe_;
  bool busy_ = false;
};

}  // namespace brigade
