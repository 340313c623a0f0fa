#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sync_config/compiler.h"

namespace brigade {

// A table as the database's catalog describes it.
struct SourceTable {
  enum class Kind {
    table,
    partitioned,  // has no rows of its own: its partitions are tables
    view,
    materialized_view,
    foreign_table,
    temporary,
    unlogged,
    system,  // of the server, or of the extension
  };
  struct Name {
    std::string schema;
    std::string table;
  };
  Name name;
  Kind kind = Kind::table;
  bool has_primary_key = true;
  bool has_replica_identity = true;  // the WAL tells which row an update or delete was of
  std::vector<std::string> columns;
  std::vector<ValueClass> column_classes;  // parallel to them, or empty
  std::vector<Name> ancestors;             // the partitioned tables it is a partition of
  std::optional<int64_t> row_estimate;     // unknown until the table is vacuumed or analyzed
};

// Whether a definition on `pattern` reads the table's rows: it names the table, or one that the
// table is a partition of.
bool reads_rows_of(const TablePattern& pattern, const SourceTable& table);

// The catalog of the source database.
class Catalog {
 public:
  virtual ~Catalog() = default;
  // All tables, in an order that is always the same.
  virtual std::vector<SourceTable> tables() = 0;
};

// Compares what the queries of a config take for granted with what there is. Errors are what would
// never sync, or not be kept up to date; tables that may still come are warnings if a wildcard
// names them.
std::vector<Diagnostic> check_tables(const std::vector<TableUse>& uses, Catalog& catalog);

}  // namespace brigade
