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

struct QualifiedName {
  std::string schema;
  std::string table;

  std::string text() const { return schema + "." + table; }
};

// The names a sync config may call a table by: its own, then for a partition those of the tables it
// is part of, nearest first. REQUIRES: a transaction.
std::vector<QualifiedName> names_of(Relation relation);

// The ordinary tables and partitions of the database, not system ones, nor temporary or unlogged
// ones, whose changes are not in the WAL. REQUIRES: a transaction.
std::vector<uint32_t> list_source_tables();

// A table open for reading; closed with the scope, or with the transaction after an ERROR.
class OpenTable {
 public:
  // Never waits: a table that is gone, or that another session has locked exclusively, is absent.
  explicit OpenTable(uint32_t id);
  ~OpenTable();
  OpenTable(const OpenTable&) = delete;
  OpenTable& operator=(const OpenTable&) = delete;

  bool is_open() const { return relation_ != nullptr; }
  // REQUIRES, here and below: is_open().
  Relation relation() const { return relation_; }
  int64_t block_count() const;
  uint32_t file_node() const;

 private:
  int exceptions_;
  Relation relation_;
};

// Where a row version lies in a table.
struct RowLocation {
  uint32_t block = 0;
  uint16_t offset = 1;  // from 1
};

// Reads the rows of a table from a place on, in the order in which they lie, under the active
// snapshot.
class TableScan {
 public:
  TableScan(const OpenTable& table, RowLocation start);
  ~TableScan();
  TableScan(const TableScan&) = delete;
  TableScan& operator=(const TableScan&) = delete;

  // The next row, good until the next call; null at the end.
  HeapTuple next();
  // The place after the row next() gave last.
  RowLocation position() const { return position_; }

 private:
  int exceptions_;
  TableScanDesc scan_;
  TupleTableSlot* slot_;
  RowLocation position_;
};

}  // namespace brigade::pg
