#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "evaluator/row_effects.h"
#include "sync_config/plan.h"
#include "sync_config/value.h"

namespace brigade {

// A plan bound to one concrete table: knows which definitions read it and where their columns are.
class TableEvaluator {
 public:
  // `schema` and `table` are the names as Postgres has them, `columns` the table's columns in the
  // order in which rows will be given. `plan` must outlive the evaluator.
  TableEvaluator(const Plan& plan, std::string_view schema, std::string_view table,
                 std::vector<std::string> columns);
  ~TableEvaluator();
  TableEvaluator(TableEvaluator&&) noexcept;
  TableEvaluator& operator=(TableEvaluator&&) noexcept;

  // Definitions (indexes into Plan::definitions) that read this table; empty if none does.
  const std::vector<uint32_t>& definitions() const;

  // needed_columns()[i] tells whether any definition reads column i. Others may be given as null.
  const std::vector<bool>& needed_columns() const;

  // Adds to `effects` what `row` means. REQUIRES: row.size() == the number of columns, and no
  // needed column is ValueKind::unchanged. Does not throw for bad data: see RowEffects::errors.
  void evaluate(std::span<const Value> row, RowEffects& effects) const;

  // Whether these columns (true at their places in a row) alone tell where a row is to a
  // definition: its id and buckets, or its lookup entries. REQUIRES: the definition is one of
  // definitions().
  bool is_located_by(const std::vector<bool>& columns, uint32_t definition) const;
  // As evaluate(), for some of definitions(), but that outputs have no data; so what kept a row
  // from being rendered, as its RowEffects::errors told, is not noticed. Of `row` only the columns
  // that locate the row matter.
  void locate(std::span<const Value> row, std::span<const uint32_t> definitions,
              RowEffects& effects) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace brigade
