#include "pg/bulk_insert.h"

#include <algorithm>
#include <cassert>
#include <numeric>

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
constexpr int buffered_rows_max = 500;
constexpr size_t buffered_bytes_max = 256 * 1024;
constexpr size_t first_buffer_bytes = 16 * 1024;

}  // namespace

struct BulkInsert::State {
  Relation relation;
  EState* executor;
  ResultRelInfo* target;
  BulkInsertState strategy;
  TupleDesc descriptor;  // a copy, which slots need not pin
  TupleTableSlot* slots[buffered_rows_max];
  bool conflicts[buffered_rows_max];  // of the rows written last, in their order then
  bool conflicts_allowed;

  static State* open(const char* schema, const char* table, OnConflict on_conflict);
  void fill_slot(int slot, const uintptr_t* datums, const char* nulls, size_t columns);
  void write(int count);
  void close();
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
  state->descriptor = CreateTupleDescCopy(RelationGetDescr(state->relation));
  return state;
}

void BulkInsert::State::fill_slot(int number, const uintptr_t* datums, const char* nulls,
                                  size_t columns) {
  TupleTableSlot*& slot = slots[number];
  // The caller may be in a context that ends before the slot is used again.
  const MemoryContext previous = MemoryContextSwitchTo(GetMemoryChunkContext(this));
  if (slot == nullptr) slot = MakeSingleTupleTableSlot(descriptor, table_slot_callbacks(relation));
  MemoryContextSwitchTo(previous);
  ExecClearTuple(slot);
  for (size_t i = 0; i < columns; i++) {
    slot->tts_values[i] = datums[i];
    slot->tts_isnull[i] = nulls[i] != 0;
  }
  ExecStoreVirtualTuple(slot);
}

void BulkInsert::State::write(int count) {
  const MemoryContext previous = MemoryContextSwitchTo(GetPerTupleMemoryContext(executor));
  table_multi_insert(relation, slots, count, GetCurrentCommandId(true), 0, strategy);
  MemoryContextSwitchTo(previous);
  for (int i = 0; i < count; i++) {
    conflicts[i] = !insert_index_entries(target, slots[i], executor, conflicts_allowed);
    ExecClearTuple(slots[i]);
  }
  ResetPerTupleExprContext(executor);
}

void BulkInsert::State::close() {
  for (TupleTableSlot* slot : slots) {
    if (slot != nullptr) ExecDropSingleTupleTableSlot(slot);
  }
  FreeBulkInsertState(strategy);
  ExecCloseIndices(target);
  FreeExecutorState(executor);
  table_close(relation, NoLock);
}

BulkInsert::BulkInsert(const char* schema, const char* table, int columns, OnConflict on_conflict)
    : columns_(columns),
      values_(first_buffer_bytes),
      state_(guard([&] { return State::open(schema, table, on_conflict); })) {}

// What is still open is released with the transaction: it can only be an aborted one.
BulkInsert::~BulkInsert() = default;

void* BulkInsert::allocate(size_t size) {
  buffered_bytes_ += size;
  return values_.allocate(size, MAXIMUM_ALIGNOF);
}

BulkInsert& BulkInsert::bigints(std::span<const int64_t> values) {
  const size_t size = ARR_OVERHEAD_NONULLS(1) + values.size_bytes();
  auto* array = static_cast<ArrayType*>(allocate(size));
  SET_VARSIZE(array, size);
  array->ndim = 1;
  array->dataoffset = 0;
  array->elemtype = INT8OID;
  *ARR_DIMS(array) = static_cast<int>(values.size());
  *ARR_LBOUND(array) = 1;
  memcpy(ARR_DATA_PTR(array), values.data(), values.size_bytes());
  return add(PointerGetDatum(array));
}

BulkInsert& BulkInsert::text(std::string_view value) {
  auto* text = static_cast<varlena*>(allocate(VARHDRSZ + value.size()));
  SET_VARSIZE(text, VARHDRSZ + value.size());
  memcpy(VARDATA(text), value.data(), value.size());
  return add(PointerGetDatum(text));
}

BulkInsert& BulkInsert::uuid(std::string_view bytes) {
  return add(PointerGetDatum(memcpy(allocate(UUID_LEN), bytes.data(), UUID_LEN)));
}

void BulkInsert::end_row() {
  row_count_++;
  assert(datums_.size() == row_count_ * columns_);
  if (row_count_ == buffered_rows_max || buffered_bytes_ > buffered_bytes_max) write();
}

// By the first column, which leads the index: neighbours are found together later, and the index
// has them at hand now.
void BulkInsert::sort_rows() {
  order_.resize(row_count_);
  std::iota(order_.begin(), order_.end(), 0);
  std::ranges::stable_sort(order_, {}, [&](uint32_t row) { return datums_[row * columns_]; });
}

void BulkInsert::write() {
  sort_rows();
  guard([&] {
    for (size_t i = 0; i < row_count_; i++) {
      const size_t first = order_[i] * columns_;
      state_->fill_slot(static_cast<int>(i), &datums_[first], &nulls_[first], columns_);
    }
    state_->write(static_cast<int>(row_count_));
  });
  for (size_t i = 0; i < row_count_; i++) {
    if (state_->conflicts[i]) conflicts_.push_back(written_count_ + order_[i]);
  }
  written_count_ += row_count_;
  row_count_ = 0;
  datums_.clear();
  nulls_.clear();
  buffered_bytes_ = 0;
  values_.release();
}

void BulkInsert::flush() {
  if (row_count_ > 0) write();
  guard([] { CommandCounterIncrement(); });
}

void BulkInsert::finish() {
  flush();
  guard([&] { state_->close(); });
}

}  // namespace brigade::pg
