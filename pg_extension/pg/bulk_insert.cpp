#include "pg/bulk_insert.h"

#include <algorithm>
#include <cassert>

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/uuid.h"
}

#include "pg/compatibility.h"

namespace brigade::pg {

namespace {

// As COPY: bounded by rows and by bytes, so that wide rows do not pile up.
constexpr int buffered_rows_max = 1000;
constexpr size_t buffered_bytes_max = 65536;

Datum bigint_array(std::string_view bytes) {
  const size_t count = bytes.size() / sizeof(int64_t);
  auto* values = static_cast<Datum*>(palloc(count * sizeof(Datum)));
  const char* next = bytes.data();
  for (size_t i = 0; i < count; i++, next += sizeof(int64_t)) {
    int64_t value = 0;
    memcpy(&value, next, sizeof(value));
    values[i] = Int64GetDatum(value);
  }
  return PointerGetDatum(construct_array(values, static_cast<int>(count), INT8OID, sizeof(int64_t),
                                         FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

}  // namespace

struct BulkInsert::State {
  Relation relation;
  EState* executor;
  ResultRelInfo* target;
  BulkInsertState strategy;
  MemoryContext home;  // as long as this
  MemoryContext rows;  // holds the cells of buffered rows
  TupleTableSlot* slots[buffered_rows_max];
  int slot_count;
  size_t buffered_bytes;
  bool conflicts_allowed;
  uint32_t written;  // rows
  uint32_t* conflicts;
  size_t conflict_count;
  size_t conflict_capacity;

  static State* open(const char* schema, const char* table, OnConflict on_conflict);
  void store(const Cell* cells, int count);
  void write();
  void note_conflict(uint32_t row);
  void close();
  Datum datum(const Cell& cell);
};

BulkInsert::State* BulkInsert::State::open(const char* schema, const char* table,
                                           OnConflict on_conflict) {
  auto* state = static_cast<State*>(palloc0(sizeof(State)));
  const Oid relation_id = get_relname_relid(table, get_namespace_oid(schema, false));
  state->relation = table_open(relation_id, RowExclusiveLock);
  state->executor = CreateExecutorState();
  state->target = makeNode(ResultRelInfo);
  InitResultRelInfo(state->target, state->relation, 1, nullptr, 0);
  state->conflicts_allowed = on_conflict == OnConflict::report;
  ExecOpenIndices(state->target, state->conflicts_allowed);
  state->strategy = GetBulkInsertState();
  state->home = CurrentMemoryContext;
  state->rows =
      AllocSetContextCreate(CurrentMemoryContext, "pg_brigade bulk insert", ALLOCSET_DEFAULT_SIZES);
  return state;
}

Datum BulkInsert::State::datum(const Cell& cell) {
  switch (cell.kind) {
    case CellKind::text:
      return PointerGetDatum(
          cstring_to_text_with_len(cell.bytes.data(), static_cast<int>(cell.bytes.size())));
    case CellKind::uuid:
      return PointerGetDatum(memcpy(palloc(UUID_LEN), cell.bytes.data(), UUID_LEN));
    case CellKind::bigints:
      return bigint_array(cell.bytes);
    default:
      return cell.word;
  }
}

void BulkInsert::State::store(const Cell* cells, int count) {
  // The caller may be in a context that ends before the slot is used again.
  const MemoryContext previous = MemoryContextSwitchTo(home);
  TupleTableSlot*& slot = slots[slot_count];
  if (slot == nullptr) slot = table_slot_create(relation, nullptr);
  ExecClearTuple(slot);
  MemoryContextSwitchTo(rows);
  for (int i = 0; i < count; i++) {
    slot->tts_isnull[i] = cells[i].kind == CellKind::null;
    slot->tts_values[i] = datum(cells[i]);
    buffered_bytes += cells[i].bytes.size();
  }
  ExecStoreVirtualTuple(slot);
  MemoryContextSwitchTo(previous);
  slot_count++;
}

void BulkInsert::State::write() {
  const MemoryContext previous = MemoryContextSwitchTo(rows);
  table_multi_insert(relation, slots, slot_count, GetCurrentCommandId(true), 0, strategy);
  MemoryContextSwitchTo(previous);
  for (int i = 0; i < slot_count; i++) {
    if (!insert_index_entries(target, slots[i], executor, conflicts_allowed)) {
      note_conflict(written + i);
    }
    ExecClearTuple(slots[i]);
  }
  written += slot_count;
  ResetPerTupleExprContext(executor);
  MemoryContextReset(rows);
  slot_count = 0;
  buffered_bytes = 0;
}

void BulkInsert::State::note_conflict(uint32_t row) {
  if (conflict_count == conflict_capacity) {
    conflict_capacity = std::max<size_t>(2 * conflict_capacity, 16);
    const size_t bytes = conflict_capacity * sizeof(uint32_t);
    conflicts = static_cast<uint32_t*>(conflicts == nullptr ? MemoryContextAlloc(home, bytes)
                                                            : repalloc(conflicts, bytes));
  }
  conflicts[conflict_count++] = row;
}

void BulkInsert::State::close() {
  for (TupleTableSlot* slot : slots) {
    if (slot != nullptr) ExecDropSingleTupleTableSlot(slot);
  }
  FreeBulkInsertState(strategy);
  ExecCloseIndices(target);
  FreeExecutorState(executor);
  MemoryContextDelete(rows);
  table_close(relation, NoLock);
}

BulkInsert::BulkInsert(const char* schema, const char* table, int columns, OnConflict on_conflict)
    : cells_(columns), state_(guard([&] { return State::open(schema, table, on_conflict); })) {}

// What is still open is released with the transaction: it can only be an aborted one.
BulkInsert::~BulkInsert() = default;

BulkInsert& BulkInsert::add(const Cell& cell) {
  assert(cell_count_ < cells_.size());
  cells_[cell_count_++] = cell;
  return *this;
}

BulkInsert& BulkInsert::bigint(int64_t value) {
  return add({CellKind::word, Int64GetDatum(value), {}});
}
BulkInsert& BulkInsert::integer(int32_t value) {
  return add({CellKind::word, Int32GetDatum(value), {}});
}
BulkInsert& BulkInsert::bigints(std::span<const int64_t> values) {
  return add(
      {CellKind::bigints, 0, {reinterpret_cast<const char*>(values.data()), values.size_bytes()}});
}
BulkInsert& BulkInsert::character(char value) {
  return add({CellKind::word, CharGetDatum(value), {}});
}
BulkInsert& BulkInsert::text(std::string_view value) { return add({CellKind::text, 0, value}); }
BulkInsert& BulkInsert::uuid(std::string_view bytes) { return add({CellKind::uuid, 0, bytes}); }
BulkInsert& BulkInsert::null() { return add({CellKind::null, 0, {}}); }

void BulkInsert::end_row() {
  assert(cell_count_ == cells_.size());
  guard([&] {
    state_->store(cells_.data(), static_cast<int>(cell_count_));
    if (state_->slot_count == buffered_rows_max || state_->buffered_bytes > buffered_bytes_max) {
      state_->write();
    }
  });
  cell_count_ = 0;
}

void BulkInsert::flush() {
  guard([&] {
    if (state_->slot_count > 0) state_->write();
    CommandCounterIncrement();
  });
}

void BulkInsert::finish() {
  flush();
  guard([&] { state_->close(); });
}

std::span<const uint32_t> BulkInsert::conflicts() const {
  return {state_->conflicts, state_->conflict_count};
}

}  // namespace brigade::pg
