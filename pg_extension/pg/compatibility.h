#pragma once

// Where the server's interfaces differ between major versions. Include it after pg/server.h and the
// headers of what is used.

namespace brigade::pg {

#ifdef EXECUTOR_H
// False, if `conflicts_allowed`, when another row has the same key: an ERROR otherwise.
inline bool insert_index_entries(ResultRelInfo* target, TupleTableSlot* slot, EState* executor,
                                 bool conflicts_allowed) {
  if (target->ri_NumIndices == 0) return true;
  bool conflict = false;
#if PG_VERSION_NUM >= 160000
  ExecInsertIndexTuples(target, slot, executor, false, conflicts_allowed, &conflict, NIL, false);
#else
  ExecInsertIndexTuples(target, slot, executor, false, conflicts_allowed, &conflict, NIL);
#endif
  return !conflict;
}
#endif

#ifdef GENAM_H
inline IndexScanDesc begin_index_scan(Relation table, Relation index, Snapshot snapshot,
                                      int key_columns) {
#if PG_VERSION_NUM >= 180000
  return index_beginscan(table, index, snapshot, nullptr, key_columns, 0);
#else
  return index_beginscan(table, index, snapshot, key_columns, 0);
#endif
}
#endif

#ifdef REORDERBUFFER_H
// The old or new tuple of a decoded change; null if the WAL holds none.
#if PG_VERSION_NUM >= 170000
inline HeapTuple old_tuple(const ReorderBufferChange& change) { return change.data.tp.oldtuple; }
inline HeapTuple new_tuple(const ReorderBufferChange& change) { return change.data.tp.newtuple; }
#else
inline HeapTuple plain_tuple(ReorderBufferTupleBuf* buffer) {
  return buffer == nullptr ? nullptr : &buffer->tuple;
}
inline HeapTuple old_tuple(const ReorderBufferChange& change) {
  return plain_tuple(change.data.tp.oldtuple);
}
inline HeapTuple new_tuple(const ReorderBufferChange& change) {
  return plain_tuple(change.data.tp.newtuple);
}
#endif
#endif

#ifdef SLOT_H
inline void create_ephemeral_slot(const char* name) {
#if PG_VERSION_NUM >= 170000
  ReplicationSlotCreate(name, true, RS_EPHEMERAL, false, false, false);
#else
  ReplicationSlotCreate(name, true, RS_EPHEMERAL, false);
#endif
}

inline void acquire_slot(const char* name) {
#if PG_VERSION_NUM >= 180000
  ReplicationSlotAcquire(name, true, true);
#else
  ReplicationSlotAcquire(name, true);
#endif
}

inline bool slot_is_invalidated(const ReplicationSlot& slot) {
#if PG_VERSION_NUM >= 160000
  return slot.data.invalidated != RS_INVAL_NONE;
#else
  return slot.data.invalidated_at != InvalidXLogRecPtr;
#endif
}
#endif

#ifdef BUFFILE_H
#if PG_VERSION_NUM >= 160000
inline void write_file(BufFile* file, const void* data, size_t size) {
  BufFileWrite(file, data, size);
}
inline void read_file_exactly(BufFile* file, void* data, size_t size) {
  BufFileReadExact(file, data, size);
}
#else
inline void write_file(BufFile* file, const void* data, size_t size) {
  BufFileWrite(file, const_cast<void*>(data), size);
}
inline void read_file_exactly(BufFile* file, void* data, size_t size) {
  if (BufFileRead(file, data, size) != size) elog(ERROR, "temporary file is too short");
}
#endif
#endif

#ifdef PG_LOGICAL_MESSAGE_H
// Writes a message into the WAL and returns its end.
inline XLogRecPtr log_message(const char* prefix) {
#if PG_VERSION_NUM >= 170000
  return LogLogicalMessage(prefix, "", 0, false, false);
#else
  return LogLogicalMessage(prefix, "", 0, false);
#endif
}
#endif

#ifdef SHM_MQ_H
// Sends a message at once: whoever waits for it is woken.
inline shm_mq_result send_message(shm_mq_handle* queue, Size size, const void* data, bool nowait) {
#if PG_VERSION_NUM >= 150000
  return shm_mq_send(queue, size, data, nowait, true);
#else
  return shm_mq_send(queue, size, data, nowait);
#endif
}
#endif

#ifdef GUC_H
// Says that all settings with this prefix are known: others get a warning or an error.
inline void reserve_setting_prefix(const char* prefix) {
#if PG_VERSION_NUM >= 150000
  MarkGUCPrefixReserved(prefix);
#else
  EmitWarningsOnPlaceholders(prefix);
#endif
}
#endif

#ifdef XLOG_H
inline XLogRecPtr flushed_wal_end() {
#if PG_VERSION_NUM >= 150000
  return GetFlushRecPtr(nullptr);
#else
  return GetFlushRecPtr();
#endif
}
#endif

}  // namespace brigade::pg
