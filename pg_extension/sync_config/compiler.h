#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync_config/plan.h"

namespace brigade {

// Counted from 1, in the YAML text.
struct TextPlace {
  int line;
  int column;
};

// One finding about a sync config. Lines and columns count from 1, in the YAML text.
struct Diagnostic {
  enum class Severity { error, warning };
  Severity severity;
  int line;
  int column;
  std::string message;
  std::string remedy;  // what to write instead; may be empty
};

// Values of different classes are never equal, and binary ones equal nothing. Other: not known.
enum class ValueClass { other, text, number, boolean, binary };

// What a query takes for granted about a table: see sync_config/catalog.h.
struct TableUse {
  struct Column {
    std::string name;
    TextPlace place;
    ValueClass equals = ValueClass::other;  // what the query compares it with
  };
  TablePattern table;
  TextPlace place;
  std::vector<Column> columns;
  bool needs_id = false;  // the rows' id is the column `id` that a * stands for
  bool hidden = false;    // a global named query has its name: there must be no such table
};

struct Compilation {
  std::optional<Plan> plan;  // absent if any diagnostic is an error
  std::vector<Diagnostic> diagnostics;
  std::vector<TableUse> table_uses;  // of the queries without an error
};

// Turns a sync config (YAML) into a plan. Never throws for bad input.
Compilation compile(std::string_view yaml);

}  // namespace brigade
