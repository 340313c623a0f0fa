#include "pg/logical_slot.h"

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlogutils.h"
#include "replication/decode.h"
#include "replication/logical.h"
#include "replication/message.h"
#include "replication/slot.h"
#include "replication/snapbuild.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"
}

#include "pg/compatibility.h"

namespace brigade::pg {

namespace {

// The server's own page reader waits in a loop for WAL to be flushed, and outlives a postmaster
// that was killed before: then nothing is ever flushed, and no new server can start. A record may
// be flushed in part, so looking where the WAL ends before a record is read is not enough.
int read_flushed_page(XLogReaderState* reader, XLogRecPtr page, int size, XLogRecPtr record,
                      char* buffer) {
  if (page + size > flushed_wal_end()) return -1;
  return read_local_xlog_page(reader, page, size, record, buffer);
}

int wait_for_page(XLogReaderState* reader, XLogRecPtr page, int size, XLogRecPtr record,
                  char* buffer) {
  while (page + size > flushed_wal_end()) {
    CHECK_FOR_INTERRUPTS();
    WaitLatch(nullptr, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1, PG_WAIT_EXTENSION);
  }
  return read_local_xlog_page(reader, page, size, record, buffer);
}

// The server's XL_ROUTINE makes a C compound literal, which C++ has not.
XLogReaderRoutine reader_of(XLogPageReadCB page_read) {
  XLogReaderRoutine routine{};
  routine.page_read = page_read;
  routine.segment_open = &wal_segment_open;
  routine.segment_close = &wal_segment_close;
  return routine;
}

XLogReaderRoutine waiting = reader_of(&wait_for_page);
XLogReaderRoutine not_waiting = reader_of(&read_flushed_page);

// The slot is ephemeral: releasing it drops it, unless it was made persistent before.
uint64_t create_in_context(const char* name, bool keep_snapshot) {
  create_ephemeral_slot(name);
  LogicalDecodingContext* context =
      CreateInitDecodingContext(output_plugin_name, NIL, keep_snapshot, InvalidXLogRecPtr, &waiting,
                                nullptr, nullptr, nullptr);
  DecodingContextFindStartpoint(context);
  const uint64_t consistent_point = MyReplicationSlot->data.confirmed_flush;
  if (keep_snapshot) {
    RestoreTransactionSnapshot(SnapBuildInitialSnapshot(context->snapshot_builder), MyProc);
  }
  FreeDecodingContext(context);
  return consistent_point;
}

// Decoding marks its process so that everybody's snapshots leave it out: it is not expected to
// write. Ours does: readers would take a storage transaction in progress for an aborted one, and
// mark its rows as such for good.
void take_part_in_snapshots() {
  LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
  MyProc->statusFlags &= ~PROC_IN_LOGICAL_DECODING;
  ProcGlobal->statusFlags[MyProc->pgxactoff] = MyProc->statusFlags;
  LWLockRelease(ProcArrayLock);
}

[[noreturn]] void raise_unreadable_wal(XLogRecPtr position, const char* reason) {
  ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                  errmsg("could not read WAL at %X/%X: %s", static_cast<uint32>(position >> 32),
                         static_cast<uint32>(position), reason)));
  pg_unreachable();
}

}  // namespace

void permit_output_plugin() {
  guard([] {
    const char* permitted = GetConfigOption("output_plugin_libraries", true, false);
    if (permitted == nullptr) return;
    char* extended =
        psprintf("%s%s%s", permitted, *permitted == '\0' ? "" : ", ", output_plugin_name);
    SetConfigOption("output_plugin_libraries", extended, PGC_SUSET, PGC_S_SESSION);
  });
}

std::optional<SlotPosition> find_slot(const std::string& name) {
  return guard([&]() -> std::optional<SlotPosition> {
    ReplicationSlot* slot = SearchNamedReplicationSlot(name.c_str(), true);
    if (slot == nullptr) return std::nullopt;
    SpinLockAcquire(&slot->mutex);
    const SlotPosition position{slot->data.confirmed_flush, slot_is_invalidated(*slot)};
    SpinLockRelease(&slot->mutex);
    return position;
  });
}

uint64_t create_slot(const std::string& name) {
  return guard([&] {
    const uint64_t consistent_point = create_in_context(name.c_str(), false);
    ReplicationSlotPersist();
    ReplicationSlotRelease();
    return consistent_point;
  });
}

uint64_t create_slot_with_snapshot(const std::string& name) {
  return guard([&] {
    StartTransactionCommand();
    XactIsoLevel = XACT_REPEATABLE_READ;
    return create_in_context(name.c_str(), true);
  });
}

void keep_slot() {
  guard([] {
    ReplicationSlotPersist();
    ReplicationSlotRelease();
  });
}

void drop_slot(const std::string& name) {
  guard([&] { ReplicationSlotDrop(name.c_str(), false); });
}

LogicalReader::LogicalReader(const std::string& slot_name, uint64_t start_lsn)
    : context_(guard([&] {
        acquire_slot(slot_name.c_str());
        LogicalDecodingContext* context =
            CreateDecodingContext(start_lsn, NIL, false, &not_waiting, nullptr, nullptr, nullptr);
        XLogBeginRead(context->reader, MyReplicationSlot->data.restart_lsn);
        take_part_in_snapshots();
        return context;
      })) {}

LogicalReader::~LogicalReader() {
  if (MyReplicationSlot == nullptr) return;
  FreeDecodingContext(context_);
  ReplicationSlotRelease();
}

bool LogicalReader::read_next() {
  return guard([&]() -> bool {
    char* message = nullptr;
    if (XLogReadRecord(context_->reader, &message) == nullptr) {
      if (message == nullptr) return false;  // Not flushed yet.
      raise_unreadable_wal(context_->reader->EndRecPtr, message);
    }
    LogicalDecodingProcessRecord(context_, context_->reader);
    return true;
  });
}

uint64_t LogicalReader::position() const { return context_->reader->EndRecPtr; }

void LogicalReader::confirm(uint64_t lsn) {
  guard([&] { LogicalConfirmReceivedLocation(lsn); });
}

uint64_t write_watermark() {
  return guard([] { return log_message("pg_brigade"); });
}

void flush_wal(uint64_t until) {
  guard([&] { XLogFlush(until); });
}

uint64_t flushed_lsn() { return flushed_wal_end(); }

}  // namespace brigade::pg
