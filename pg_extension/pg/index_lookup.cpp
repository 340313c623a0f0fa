#include "pg/index_lookup.h"

#include <cassert>
#include <exception>

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "access/genam.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"
}

#include "pg/compatibility.h"

namespace brigade::pg {

namespace {

constexpr int key_columns_max = 2;

RegProcedure equality_of(Oid type) {
  if (type == UUIDOID) return F_UUID_EQ;
  return type == INT4OID ? F_INT4EQ : F_INT8EQ;
}

void init_key(ScanKey key, int column, Oid type, IndexLookup::LastColumn comparison) {
  const auto number = static_cast<AttrNumber>(column + 1);
  switch (comparison) {
    case IndexLookup::LastColumn::equal:
      return ScanKeyInit(key, number, BTEqualStrategyNumber, equality_of(type), 0);
    case IndexLookup::LastColumn::greater:
      return ScanKeyInit(key, number, BTGreaterStrategyNumber, F_INT8GT, 0);
    case IndexLookup::LastColumn::at_least:
      return ScanKeyInit(key, number, BTGreaterEqualStrategyNumber, F_UUID_GE, 0);
  }
}

}  // namespace

struct IndexLookup::State {
  Relation table;
  Relation index;
  IndexScanDesc scan;
  TupleTableSlot* slot;
  int key_count;
  ScanKeyData keys[key_columns_max];
  pg_uuid_t uuids[key_columns_max];  // that keys point to
};

IndexLookup::IndexLookup(const char* table, const char* index, int key_columns, LastColumn last)
    : exceptions_(std::uncaught_exceptions()), state_(guard([&] {
        const Oid schema = get_namespace_oid("brigade", false);
        auto* state = static_cast<State*>(palloc0(sizeof(State)));
        state->table = table_open(get_relname_relid(table, schema), AccessShareLock);
        state->index = index_open(get_relname_relid(index, schema), AccessShareLock);
        state->key_count = key_columns;
        for (int i = 0; i < key_columns; i++) {
          init_key(&state->keys[i], i, state->index->rd_opcintype[i],
                   i + 1 == key_columns ? last : LastColumn::equal);
        }
        state->scan =
            begin_index_scan(state->table, state->index, GetActiveSnapshot(), key_columns);
        if (last == LastColumn::at_least && key_columns == 1) {
          state->scan->xs_want_itup = true;
          // Those of rows known to be gone would be passed over all at once.
          state->scan->ignore_killed_tuples = false;
        }
        state->slot = table_slot_create(state->table, nullptr);
        return state;
      })) {
  assert(key_columns <= key_columns_max);
}

IndexLookup::~IndexLookup() {
  // After an ERROR the transaction's abort closes all of it.
  if (std::uncaught_exceptions() != exceptions_) return;
  ExecDropSingleTupleTableSlot(state_->slot);
  index_endscan(state_->scan);
  // The locks stay until the transaction ends, as for any reader.
  index_close(state_->index, NoLock);
  table_close(state_->table, NoLock);
}

void IndexLookup::start(std::initializer_list<KeyValue> key) {
  assert(static_cast<int>(key.size()) == state_->key_count);
  int i = 0;
  for (const KeyValue& value : key) {
    if (value.uuid_ != nullptr) memcpy(state_->uuids[i].data, value.uuid_, UUID_LEN);
    // An integer is compared by the lower half of its datum.
    state_->keys[i].sk_argument =
        value.uuid_ == nullptr ? Int64GetDatum(value.number_) : UUIDPGetDatum(&state_->uuids[i]);
    i++;
  }
  guard([&] {
    CHECK_FOR_INTERRUPTS();
    index_rescan(state_->scan, state_->keys, state_->key_count, nullptr, 0);
  });
}

bool IndexLookup::next() {
  return guard([&] {
    if (!index_getnext_slot(state_->scan, ForwardScanDirection, state_->slot)) return false;
    slot_getallattrs(state_->slot);
    return true;
  });
}

bool IndexLookup::next_entry() {
  return guard([&] {
    if (index_getnext_tid(state_->scan, ForwardScanDirection) == nullptr) return false;
    entry_has_row_ = index_fetch_heap(state_->scan, state_->slot);
    if (entry_has_row_) slot_getallattrs(state_->slot);
    return true;
  });
}

std::span<const uint8_t, 16> IndexLookup::entry_key() const {
  bool null = false;
  const Datum key = index_getattr(state_->scan->xs_itup, 1, state_->scan->xs_itupdesc, &null);
  return DatumGetUUIDP(key)->data;
}

bool IndexLookup::is_null(int column) const { return state_->slot->tts_isnull[column]; }

int32_t IndexLookup::integer(int column) const {
  return DatumGetInt32(state_->slot->tts_values[column]);
}

int64_t IndexLookup::bigint(int column) const {
  return DatumGetInt64(state_->slot->tts_values[column]);
}

char IndexLookup::character(int column) const {
  return DatumGetChar(state_->slot->tts_values[column]);
}

std::span<const uint8_t, 16> IndexLookup::uuid(int column) const {
  return DatumGetUUIDP(state_->slot->tts_values[column])->data;
}

std::string_view IndexLookup::text(int column) const {
  auto* text = reinterpret_cast<struct varlena*>(DatumGetPointer(state_->slot->tts_values[column]));
  if (VARATT_IS_COMPRESSED(text) || VARATT_IS_EXTERNAL(text)) {
    text = guard([&] { return pg_detoast_datum_packed(text); });
  }
  return {VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text)};
}

std::vector<int64_t> IndexLookup::bigints(int column) const {
  auto* array = guard([&] { return DatumGetArrayTypeP(state_->slot->tts_values[column]); });
  const auto* first = reinterpret_cast<const int64_t*>(ARR_DATA_PTR(array));
  return {first, first + ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array))};
}

void IndexLookup::remove() {
  guard([&] {
    LockRelation(state_->table, RowExclusiveLock);
    simple_table_tuple_delete(state_->table, &state_->slot->tts_tid, GetActiveSnapshot());
  });
}

}  // namespace brigade::pg
