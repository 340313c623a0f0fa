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

void init_equal(ScanKey key, AttrNumber column, Oid type) {
  ScanKeyInit(key, column, BTEqualStrategyNumber, type == INT4OID ? F_INT4EQ : F_INT8EQ, 0);
}

}  // namespace

struct IndexLookup::State {
  Relation table;
  Relation index;
  IndexScanDesc scan;
  TupleTableSlot* slot;
  int key_count;
  ScanKeyData keys[key_columns_max];
};

IndexLookup::IndexLookup(const char* table, const char* index, int key_columns, LastColumn last)
    : exceptions_(std::uncaught_exceptions()), state_(guard([&] {
        const Oid schema = get_namespace_oid("brigade", false);
        auto* state = static_cast<State*>(palloc0(sizeof(State)));
        state->table = table_open(get_relname_relid(table, schema), AccessShareLock);
        state->index = index_open(get_relname_relid(index, schema), AccessShareLock);
        state->key_count = key_columns;
        for (int i = 0; i < key_columns; i++) {
          init_equal(&state->keys[i], static_cast<AttrNumber>(i + 1),
                     state->index->rd_opcintype[i]);
        }
        if (last == LastColumn::greater) {
          ScanKeyInit(&state->keys[key_columns - 1], static_cast<AttrNumber>(key_columns),
                      BTGreaterStrategyNumber, F_INT8GT, 0);
        }
        state->scan =
            begin_index_scan(state->table, state->index, GetActiveSnapshot(), key_columns);
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

void IndexLookup::start(std::initializer_list<int64_t> key) {
  assert(static_cast<int>(key.size()) == state_->key_count);
  int i = 0;
  // An integer is compared by the lower half of its datum.
  for (const int64_t value : key) state_->keys[i++].sk_argument = Int64GetDatum(value);
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

}  // namespace brigade::pg
