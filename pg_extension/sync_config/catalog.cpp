#include "sync_config/catalog.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

#include "sync_config/hints.h"

namespace brigade {

namespace {

using Kind = SourceTable::Kind;

// ---- names

std::string quoted_identifier(const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool starts_plain = !name.empty() && !(name[0] >= '0' && name[0] <= '9');
  if (starts_plain && std::all_of(name.begin(), name.end(), is_plain)) return name;
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

std::string quoted_identifier(const SourceTable::Name& name) {
  return quoted_identifier(name.schema) + "." + quoted_identifier(name.table);
}

// ---- the check

const char* why_unreadable(Kind kind) {
  switch (kind) {
    case Kind::view:
      return "is a view";
    case Kind::materialized_view:
      return "is a materialized view";
    case Kind::foreign_table:
      return "is a foreign table";
    case Kind::temporary:
      return "is temporary";
    case Kind::unlogged:
      return "is unlogged";
    case Kind::system:
      return "is a system table";
    default:
      return nullptr;
  }
}

std::string remedy_of_unreadable(const SourceTable& table) {
  switch (table.kind) {
    case Kind::view:
    case Kind::materialized_view:
      return "Name the tables it reads, and write its conditions into the query.";
    case Kind::foreign_table:
      return "Deploy in the database that holds the table.";
    case Kind::unlogged:
      return "ALTER TABLE " + quoted_identifier(table.name) + " SET LOGGED;";
    default:
      return "Name an ordinary table.";
  }
}

std::string remedy_of_identity(const SourceTable& table) {
  const std::string alter = "ALTER TABLE " + quoted_identifier(table.name);
  if (table.has_primary_key) return alter + " REPLICA IDENTITY DEFAULT;";
  return "Add a primary key, or " + alter + " REPLICA IDENTITY FULL;";
}

bool is_wildcard(const TablePattern& pattern) {
  return pattern.schema.ends_with('%') || pattern.table.ends_with('%');
}

bool matches(const TablePattern& pattern, const SourceTable::Name& name) {
  return pattern.matches(name.schema, name.table);
}

class TableCheck {
 public:
  explicit TableCheck(std::vector<SourceTable> tables) : tables_(std::move(tables)) {}

  void check(const TableUse& use) {
    if (use.hidden) return check_hidden(use);
    const std::vector<const SourceTable*> named = find_named(use);
    if (named.empty()) return;
    for (const TableUse::Column& column : use.columns) check_column(use, column, named);
    if (use.needs_id && !any_has(named, "id")) {
      error(use.place, describe(use) + " has no column \"id\"",
            "Write SELECT *, column AS id, with the column that identifies a row.");
    }
    for (const SourceTable& table : tables_) check_rows(use, table);
  }

  std::vector<Diagnostic> take_diagnostics() { return std::move(diagnostics_); }

 private:
  // The same place is looked at once for every query that uses it.
  void add(Diagnostic::Severity severity, TextPlace place, std::string message,
           std::string remedy) {
    if (!seen_.emplace(place.line, place.column, message).second) return;
    diagnostics_.push_back(
        {severity, place.line, place.column, std::move(message), std::move(remedy)});
  }

  void error(TextPlace place, std::string message, std::string remedy) {
    add(Diagnostic::Severity::error, place, std::move(message), std::move(remedy));
  }

  void warning(TextPlace place, std::string message, std::string remedy) {
    add(Diagnostic::Severity::warning, place, std::move(message), std::move(remedy));
  }

  static std::string describe(const TableUse& use) {
    return "table \"" + use.table.schema + "." + use.table.table + "\"";
  }

  // ---- tables

  void check_hidden(const TableUse& use) {
    for (const SourceTable& table : tables_) {
      if (table.kind == Kind::system || !matches(use.table, table.name)) continue;
      error(use.place, "the query \"" + use.table.table + "\" of `with:` hides a table",
            "Give the query another name, or define it in the streams that mean it.");
    }
  }

  // The readable tables that the query names; reports it if there are none.
  std::vector<const SourceTable*> find_named(const TableUse& use) {
    const bool wildcard = is_wildcard(use.table);
    std::vector<const SourceTable*> named;
    bool reported = false;
    for (const SourceTable& table : tables_) {
      if (!matches(use.table, table.name) || (wildcard && table.kind == Kind::system)) continue;
      if (why_unreadable(table.kind) == nullptr) {
        named.push_back(&table);
      } else {
        report_unreadable(use, table);
        reported = true;
      }
    }
    if (named.empty() && !reported) report_missing(use);
    return named;
  }

  // What a wildcard happens to match besides tables need not be meant.
  void report_unreadable(const TableUse& use, const SourceTable& table) {
    const std::string message = "\"" + table.name.schema + "." + table.name.table + "\" " +
                                why_unreadable(table.kind) + ": it cannot be synced";
    add(is_wildcard(use.table) ? Diagnostic::Severity::warning : Diagnostic::Severity::error,
        use.place, message, remedy_of_unreadable(table));
  }

  void report_missing(const TableUse& use) {
    if (is_wildcard(use.table)) {
      return warning(use.place,
                     "no table matches \"" + use.table.schema + "." + use.table.table + "\" yet",
                     "Tables that match later are synced then.");
    }
    error(use.place, "there is no " + describe(use), suggest_table(use.table));
  }

  // A table of the same name in another schema comes before one of a similar name.
  std::string suggest_table(const TablePattern& wanted) const {
    std::vector<std::string> in_schema;
    for (const SourceTable& table : tables_) {
      if (table.kind == Kind::system) continue;
      if (table.name.table == wanted.table && table.kind != Kind::temporary) {
        return "Did you mean " + quoted_identifier(table.name) + "?";
      }
      if (table.name.table == wanted.table) return "A temporary table cannot be synced.";
      if (table.name.schema == wanted.schema) in_schema.push_back(table.name.table);
    }
    const std::optional<std::string> similar = most_similar(wanted.table, in_schema);
    if (!similar) return "Create the table first, or correct its name.";
    return "Did you mean " + quoted_identifier({wanted.schema, *similar}) + "?";
  }

  // Tables that hold rows of what the query names: themselves, or as its partitions.
  void check_rows(const TableUse& use, const SourceTable& table) {
    if (!reads_rows_of(use.table, table)) return;
    if (table.kind == Kind::table && !table.has_replica_identity) {
      error(use.place,
            "table \"" + table.name.schema + "." + table.name.table +
                "\" has no replica identity: its updates and deletes would be lost",
            remedy_of_identity(table));
    } else if (!matches(use.table, table.name) && why_unreadable(table.kind) != nullptr) {
      report_unreadable(use, table);
    }
  }

  // ---- columns

  static bool any_has(const std::vector<const SourceTable*>& tables, const std::string& column) {
    return std::any_of(tables.begin(), tables.end(), [&](const SourceTable* table) {
      return std::find(table->columns.begin(), table->columns.end(), column) !=
             table->columns.end();
    });
  }

  static ValueClass class_of(const SourceTable& table, const std::string& column) {
    const auto found = std::find(table.columns.begin(), table.columns.end(), column);
    const auto index = static_cast<size_t>(found - table.columns.begin());
    return index < table.column_classes.size() ? table.column_classes[index] : ValueClass::other;
  }

  void check_class(const TableUse::Column& column, const SourceTable& table) {
    const ValueClass held = class_of(table, column.name);
    const std::string name = quoted_identifier(column.name);
    if (held == ValueClass::binary) {
      warning(column.place,
              "column \"" + column.name + "\" holds binary values, which equal nothing",
              "Compare hex(" + name + ").");
    } else if (held == ValueClass::boolean && column.equals == ValueClass::text) {
      warning(column.place, "column \"" + column.name + "\" holds booleans, which no text equals",
              "Compare with TRUE or FALSE.");
    } else if (held == ValueClass::number && column.equals == ValueClass::text) {
      warning(column.place, "column \"" + column.name + "\" holds numbers, which no text equals",
              "Write " + name + "::text.");
    } else if (held == ValueClass::text && column.equals == ValueClass::number) {
      warning(column.place, "column \"" + column.name + "\" holds text, which no number equals",
              "Write the number in 'single quotes', or " + name + "::integer.");
    }
  }

  void check_column(const TableUse& use, const TableUse::Column& column,
                    const std::vector<const SourceTable*>& named) {
    if (column.equals != ValueClass::other) {
      for (const SourceTable* table : named) check_class(column, *table);
    }
    if (any_has(named, column.name)) return;
    std::vector<std::string> columns;
    for (const SourceTable* table : named) {
      columns.insert(columns.end(), table->columns.begin(), table->columns.end());
    }
    const std::optional<std::string> similar = most_similar(column.name, columns);
    error(column.place, describe(use) + " has no column \"" + column.name + "\"",
          similar
              ? "Did you mean " + quoted_identifier(*similar) + "?"
              : "Add the column first, or correct its name; text is written in 'single quotes'.");
  }

  std::vector<SourceTable> tables_;
  std::vector<Diagnostic> diagnostics_;
  std::set<std::tuple<int, int, std::string>> seen_;
};

}  // namespace

bool reads_rows_of(const TablePattern& pattern, const SourceTable& table) {
  return matches(pattern, table.name) ||
         std::any_of(table.ancestors.begin(), table.ancestors.end(),
                     [&](const SourceTable::Name& ancestor) { return matches(pattern, ancestor); });
}

std::vector<Diagnostic> check_tables(const std::vector<TableUse>& uses, Catalog& catalog) {
  if (uses.empty()) return {};
  TableCheck check(catalog.tables());
  for (const TableUse& use : uses) check.check(use);
  return check.take_diagnostics();
}

}  // namespace brigade
