#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct LogicalDecodingContext;

// Logical replication slots and reading the WAL through them, for a background worker.
namespace brigade::pg {

inline constexpr const char* output_plugin_name = "pg_brigade";

// Lets this process use our output plugin on servers that have `output_plugin_libraries` (minors
// since August 2026 refuse plugins not listed there). Does nothing on others.
void permit_output_plugin();

// Where a persistent slot stands; absent if there is no such slot.
struct SlotPosition {
  uint64_t confirmed_lsn;
  bool invalidated;  // the server removed WAL it needed
};
std::optional<SlotPosition> find_slot(const std::string& name);

// Creates a persistent slot; returns its consistent point. REQUIRES: no transaction.
// Waits for transactions that are running now to end.
uint64_t create_slot(const std::string& name);

// Creates a slot that goes with the process until keep_slot() is called, and with it a transaction
// (repeatable read) that sees exactly what committed before the slot's consistent point, which is
// returned. Waits for transactions that are running now to end. REQUIRES: no transaction.
uint64_t create_slot_with_snapshot(const std::string& name);
// Makes the slot persistent, and releases it.
void keep_slot();

void drop_slot(const std::string& name);

// Decodes the WAL through a slot it holds; the output plugin's callbacks run inside read_next().
class LogicalReader {
 public:
  // Starts after `start_lsn`, or after the slot's confirmed position if that is later.
  LogicalReader(const std::string& slot_name, uint64_t start_lsn);
  // Releases the slot. After an ERROR the process must end: the slot is released then.
  ~LogicalReader();
  LogicalReader(const LogicalReader&) = delete;
  LogicalReader& operator=(const LogicalReader&) = delete;

  // Decodes one WAL record; false at the end of the flushed WAL.
  bool read_next();
  // All transactions that committed before this position were handed to the plugin.
  uint64_t position() const;
  // Tells the slot that everything before `lsn` is stored durably, so its WAL may go.
  void confirm(uint64_t lsn);

 private:
  LogicalDecodingContext* context_;
};

// Writes a mark into the WAL and returns where it ends. All that a snapshot taken before sees
// committed lies before the mark.
uint64_t write_watermark();

// Makes the WAL before a place safe on disk: until then nothing of it is decoded.
void flush_wal(uint64_t until);

// The end of the WAL that is safe on disk.
uint64_t flushed_lsn();

}  // namespace brigade::pg
