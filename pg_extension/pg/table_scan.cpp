#include "pg/table_scan.h"

#include <exception>

#include "pg/error.h"
#include "pg/spi.h"

extern "C" {
#include "access/table.h"
#include "executor/tuptable.h"
#include "utils/snapmgr.h"
}

namespace brigade::pg {

std::vector<TableName> list_source_tables() {
  const SqlScope sql;
  const Rows rows = execute(
      "SELECT c.oid::bigint, n.nspname::text, c.relname::text FROM pg_catalog.pg_class c"
      " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
      " WHERE c.relkind = 'r' AND c.relpersistence = 'p'"
      " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'brigade')"
      " ORDER BY n.nspname, c.relname");
  std::vector<TableName> tables;
  for (size_t row = 0; row < rows.size(); row++) {
    tables.push_back({static_cast<uint32_t>(rows.bigint(row, 0)), std::string(rows.bytes(row, 1)),
                      std::string(rows.bytes(row, 2))});
  }
  return tables;
}

OpenTable::OpenTable(uint32_t id)
    : exceptions_(std::uncaught_exceptions()),
      relation_(guard([&] { return table_open(id, AccessShareLock); })) {}

OpenTable::~OpenTable() {
  // The lock stays until the transaction ends, as for any reader.
  if (std::uncaught_exceptions() == exceptions_) table_close(relation_, NoLock);
}

TableScan::TableScan(const OpenTable& table)
    : exceptions_(std::uncaught_exceptions()),
      scan_(guard(
          [&] { return table_beginscan(table.relation(), GetActiveSnapshot(), 0, nullptr); })),
      slot_(guard([&] { return table_slot_create(table.relation(), nullptr); })) {}

TableScan::~TableScan() {
  if (std::uncaught_exceptions() != exceptions_) return;
  ExecDropSingleTupleTableSlot(slot_);
  table_endscan(scan_);
}

HeapTuple TableScan::next() {
  return guard([&]() -> HeapTuple {
    CHECK_FOR_INTERRUPTS();
    if (!table_scan_getnextslot(scan_, ForwardScanDirection, slot_)) return nullptr;
    bool must_free = false;
    return ExecFetchSlotHeapTuple(slot_, false, &must_free);
  });
}

}  // namespace brigade::pg
