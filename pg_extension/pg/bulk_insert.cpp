#include "pg/bulk_insert.h"

#include <cassert>

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
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

  static State* open(const char* schema, const char* table);
  void store(const Cell* cells, int count);
  void write();
  void close();
  Datum datum(const Cell& cell);
};

BulkInsert::State* BulkInsert::State::open(const char* schema, const char* table) {
  auto* state = static_cast<State*>(palloc0(sizeof(State)));
  const Oid relation_id = get_relname_relid(table, get_namespace_oid(schema, false));
  state->relation = table_open(relation_id, RowExclusiveLock);
  state->executor = CreateExecutorState();
  state->target = makeNode(ResultRelInfo);
  InitResultRelInfo(state->target, state->relation, 1, nullptr, 0);
  ExecOpenIndices(state->target, false);
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
    insert_index_entries(target, slots[i], executor);
    ExecClearTuple(slots[i]);
  }
  ResetPerTupleExprContext(executor);
  MemoryContextReset(rows);
  slot_count = 0;
  buffered_bytes = 0;
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

BulkInsert::BulkInsert(const char* schema, const char* table, int columns)
    : cells_(columns), state_(guard([&] { return State::open(schema, table); })) {}

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

}  // namespace brigade::pg
