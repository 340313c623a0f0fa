#include "pg/table_scan.h"

#include <exception>

#include "pg/error.h"
#include "pg/spi.h"

extern "C" {
#include "access/relation.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

#include "pg/compatibility.h"

namespace brigade::pg {

namespace {

// Empty if the table is gone, as the historic snapshot of decoding may show it.
QualifiedName name_of(Oid relation) {
  QualifiedName name;
  const char* schema = guard([&]() -> const char* {
    const Oid id = get_rel_namespace(relation);
    return OidIsValid(id) ? get_namespace_name(id) : nullptr;
  });
  const char* table = guard([&]() -> const char* { return get_rel_name(relation); });
  if (schema != nullptr) name.schema = schema;
  if (table != nullptr) name.table = table;
  return name;
}

}  // namespace

std::vector<QualifiedName> names_of(Relation relation) {
  std::vector<QualifiedName> names = {name_of(RelationGetRelid(relation))};
  if (!relation->rd_rel->relispartition) return names;
  List* ancestors = guard([&] { return get_partition_ancestors(RelationGetRelid(relation)); });
  for (int i = 0; i < list_length(ancestors); i++) {
    names.push_back(name_of(list_nth_oid(ancestors, i)));
  }
  return names;
}

std::vector<uint32_t> list_source_tables() {
  const SqlScope sql;
  const Rows rows = execute(
      "SELECT c.oid::bigint FROM pg_catalog.pg_class c"
      " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
      " WHERE c.relkind = 'r' AND c.relpersistence = 'p'"
      " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'brigade')"
      " ORDER BY n.nspname, c.relname");
  std::vector<uint32_t> tables;
  for (size_t row = 0; row < rows.size(); row++) {
    tables.push_back(static_cast<uint32_t>(rows.bigint(row, 0)));
  }
  return tables;
}

OpenTable::OpenTable(uint32_t id)
    : exceptions_(std::uncaught_exceptions()), relation_(guard([&]() -> Relation {
        if (!ConditionalLockRelationOid(id, AccessShareLock)) return nullptr;
        return try_relation_open(id, NoLock);
      })) {}

OpenTable::~OpenTable() {
  if (relation_ == nullptr) return;
  // The lock stays until the transaction ends, as for any reader.
  if (std::uncaught_exceptions() == exceptions_) table_close(relation_, NoLock);
}

int64_t OpenTable::block_count() const {
  return guard([&] { return RelationGetNumberOfBlocks(relation_); });
}

uint32_t OpenTable::file_node() const { return relation_->rd_rel->relfilenode; }

TableScan::TableScan(const OpenTable& table, RowLocation start)
    : exceptions_(std::uncaught_exceptions()),
      scan_(guard([&] {
        ItemPointerData low;
        ItemPointerData high;
        ItemPointerSet(&low, start.block, start.offset);
        ItemPointerSet(&high, MaxBlockNumber, MaxOffsetNumber);
        return table_beginscan_tidrange(table.relation(), GetActiveSnapshot(), &low, &high);
      })),
      slot_(guard([&] { return table_slot_create(table.relation(), nullptr); })),
      position_(start) {}

TableScan::~TableScan() {
  if (std::uncaught_exceptions() != exceptions_) return;
  ExecDropSingleTupleTableSlot(slot_);
  table_endscan(scan_);
}

HeapTuple TableScan::next() {
  return guard([&]() -> HeapTuple {
    CHECK_FOR_INTERRUPTS();
    if (!table_scan_getnextslot_tidrange(scan_, ForwardScanDirection, slot_)) return nullptr;
    position_ = {ItemPointerGetBlockNumber(&slot_->tts_tid),
                 static_cast<uint16_t>(ItemPointerGetOffsetNumber(&slot_->tts_tid) + 1)};
    bool must_free = false;
    return ExecFetchSlotHeapTuple(slot_, false, &must_free);
  });
}

}  // namespace brigade::pg
