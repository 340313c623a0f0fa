#include "sql_api/checked_config.h"

#include <algorithm>

#include "pg/error.h"
#include "pg/spi.h"
#include "sql_api/database_catalog.h"

namespace brigade {

using nlohmann::json;

namespace {

std::string describe(const Diagnostic& diagnostic) {
  return "line " + std::to_string(diagnostic.line) + ", column " +
         std::to_string(diagnostic.column) + ": " + diagnostic.message;
}

json to_json(const Diagnostic& diagnostic) {
  const bool error = diagnostic.severity == Diagnostic::Severity::error;
  return {{"severity", error ? "error" : "warning"},
          {"line", diagnostic.line},
          {"column", diagnostic.column},
          {"message", diagnostic.message},
          {"remedy", diagnostic.remedy}};
}

}  // namespace

json to_json(const std::vector<Diagnostic>& diagnostics) {
  auto list = json::array();
  for (const Diagnostic& diagnostic : diagnostics) list.push_back(to_json(diagnostic));
  return list;
}

void raise_errors(const std::vector<Diagnostic>& diagnostics) {
  const Diagnostic* first = nullptr;
  std::string others;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity != Diagnostic::Severity::error) continue;
    if (first == nullptr) {
      first = &diagnostic;
    } else {
      others += (others.empty() ? "Also: " : "\n") + describe(diagnostic);
    }
  }
  if (first == nullptr) throw pg::Error("XX000", "the sync config has no plan and no error");
  throw pg::Error("22023", "sync config: " + describe(*first), others, first->remedy);
}

Compilation compile_and_check(std::string_view yaml) {
  Compilation compilation = compile(yaml);
  DatabaseCatalog catalog;
  for (Diagnostic& found : check_tables(compilation.table_uses, catalog)) {
    compilation.diagnostics.push_back(std::move(found));
  }
  return compilation;
}

bool has_errors(const Compilation& compilation) {
  return std::any_of(compilation.diagnostics.begin(), compilation.diagnostics.end(),
                     [](const Diagnostic& diagnostic) {
                       return diagnostic.severity == Diagnostic::Severity::error;
                     });
}

int32_t find_equal_config(std::string_view yaml, std::string_view plan) {
  const pg::Rows rows = pg::execute(
      "SELECT CASE WHEN yaml = $1 OR plan = $2 THEN id ELSE 0 END FROM brigade.sync_config"
      " WHERE state IN ('active', 'processing') ORDER BY id DESC LIMIT 1",
      pg::Parameters().add(yaml).add(plan));
  return rows.empty() ? 0 : rows.integer(0, 0);
}

}  // namespace brigade
