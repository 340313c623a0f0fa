#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/server.h"

extern "C" {
#include "access/htup.h"
#include "access/tableam.h"
#include "utils/rel.h"
}

namespace brigade::pg {

// A table a snapshot can read rows from: ordinary tables and partitions, not system ones.
struct TableName {
  uint32_t id;
  std::string schema;
  std::string table;
};
// All of the database that a sync config may name. REQUIRES: a transaction.
std::vector<TableName> list_source_tables();

// Opens a table; closes it with the scope, or with the transaction after an ERROR.
class OpenTable {
 public:
  explicit OpenTable(uint32_t id);
  ~OpenTable();
  OpenTable(const OpenTable&) = delete;
  OpenTable& operator=(const OpenTable&) = delete;
  Relation relation() const { return relation_; }

 private:
  int exceptions_;
  Relation relation_;
};

// Reads all rows of a table under the active snapshot.
class TableScan {
 public:
  explicit TableScan(const OpenTable& table);
  ~TableScan();
  TableScan(const TableScan&) = delete;
  TableScan& operator=(const TableScan&) = delete;

  // The next row, good until the next call; null at the end.
  HeapTuple next();

 private:
  int exceptions_;
  TableScanDesc scan_;
  TupleTableSlot* slot_;
};

}  // namespace brigade::pg
