#include "snapshot/copy_reader.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "decoding/byte_stream.h"
#include "decoding/output_settings.h"
#include "pg/error.h"
#include "pg/logical_slot.h"
#include "pg/server.h"
#include "pg/transaction.h"
#include "storage/catalog.h"

namespace brigade {

namespace {

std::string encode(const ChunkRequest& request) {
  std::string target;
  ByteWriter writer(target);
  writer.integer(request.plans_version);
  writer.integer(request.relation);
  writer.integer(request.file_node);
  writer.integer(request.start);
  writer.integer(request.rows_max);
  for (const int32_t definition : request.definitions) writer.integer(definition);
  return target;
}

ChunkRequest decode_request(std::string_view source) {
  ByteReader reader(source);
  ChunkRequest request;
  request.plans_version = reader.integer<int64_t>();
  request.relation = reader.integer<uint32_t>();
  request.file_node = reader.integer<uint32_t>();
  request.start = reader.integer<pg::RowLocation>();
  request.rows_max = reader.integer<int64_t>();
  while (!reader.at_end()) request.definitions.push_back(reader.integer<int32_t>());
  return request;
}

// Of a table that could not be read, the answer is empty.
std::string encode(const std::optional<Chunk>& chunk) {
  std::string target;
  if (!chunk) return target;
  ByteWriter writer(target);
  writer.integer(chunk->row_count);
  writer.integer(chunk->next);
  writer.integer(chunk->at_end);
  writer.integer(chunk->watermark);
  writer.bytes(
      {reinterpret_cast<const char*>(chunk->rows.data()), chunk->rows.size() * sizeof(Chunk::Row)});
  writer.bytes(chunk->messages);
  return target;
}

std::optional<Chunk> decode_chunk(std::string_view source) {
  ByteReader reader(source);
  if (reader.at_end()) return std::nullopt;
  Chunk chunk;
  chunk.row_count = reader.integer<int64_t>();
  chunk.next = reader.integer<pg::RowLocation>();
  chunk.at_end = reader.integer<bool>();
  chunk.watermark = reader.integer<uint64_t>();
  const std::string_view rows = reader.bytes();
  chunk.rows.resize(rows.size() / sizeof(Chunk::Row));
  std::memcpy(static_cast<void*>(chunk.rows.data()), rows.data(), rows.size());
  chunk.messages = reader.bytes();
  return chunk;
}

// The life of such a process.
class ChunkServer {
 public:
  void run(pg::WorkerPipeEnd& pipe) {
    while (const auto request = pipe.receive()) {
      pipe.send(encode(read(decode_request(*request))));
      pg::handle_worker_interrupts();
    }
  }

 private:
  std::optional<Chunk> read(const ChunkRequest& request) {
    pg::Transaction transaction;
    if (request.plans_version != plans_version_) load_plans(request.plans_version);
    std::optional<Chunk> chunk;
    {
      const pg::OpenTable table(request.relation);
      if (!table.is_open() || table.file_node() != request.file_node) return std::nullopt;
      chunk = read_chunk(table, plans_, request.definitions, request.start, request.rows_max);
    }
    transaction.commit();
    chunk->watermark = pg::write_watermark();
    return chunk;
  }

  void load_plans(int64_t version) {
    plans_ = load_active_plans();
    plans_version_ = version;
  }

  ActivePlans plans_;
  int64_t plans_version_ = -1;
};

}  // namespace

std::unique_ptr<CopyReader> CopyReader::launch() {
  auto pipe = pg::WorkerPipe::launch(pg::copy_reader);
  if (pipe == nullptr) return nullptr;
  return std::unique_ptr<CopyReader>(new CopyReader(std::move(pipe)));
}

bool CopyReader::ask(const ChunkRequest& request) {
  const std::string message = encode(request);
  busy_ = message.size() <= pg::WorkerPipe::request_bytes_max && pipe_->send(message);
  return busy_;
}

CopyReader::State CopyReader::poll(std::optional<Chunk>& chunk) {
  std::string_view answer;
  switch (pipe_->receive(answer)) {
    case pg::WorkerPipe::State::waiting:
      return State::waiting;
    case pg::WorkerPipe::State::gone:
      busy_ = false;
      return State::gone;
    case pg::WorkerPipe::State::answered:
      break;
  }
  busy_ = false;
  chunk = decode_chunk(answer);
  return State::answered;
}

}  // namespace brigade

extern "C" PGDLLEXPORT void brigade_copy_reader_main(Datum argument) {
  brigade::pg::edge([&] {
    brigade::pg::WorkerPipeEnd pipe(argument);
    brigade::pg::connect_worker(pipe.database());
    brigade::pg::guard(brigade::fix_output_settings);
    brigade::pg::mark_writes_as_own();
    brigade::pg::plan_with_indexes();
    brigade::ChunkServer().run(pipe);
  });
}
