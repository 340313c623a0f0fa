#include "evaluator/table_evaluator.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "evaluator/definition_evaluator.h"

namespace brigade {

struct TableEvaluator::State {
  std::vector<uint32_t> definitions;
  std::vector<std::unique_ptr<DefinitionEvaluator>> evaluators;  // by definition; null for others
  std::vector<bool> needed;
};

TableEvaluator::TableEvaluator(const Plan& plan, std::string_view schema, std::string_view table,
                               std::vector<std::string> columns)
    : state_(std::make_unique<State>()) {
  state_->needed.assign(columns.size(), false);
  state_->evaluators.resize(plan.definitions.size());
  const TableShape shape{std::string(schema), std::string(table), std::move(columns)};
  for (uint32_t i = 0; i < plan.definitions.size(); i++) {
    const Definition& definition = plan.definitions[i];
    if (!definition.table.matches(schema, table)) continue;
    state_->definitions.push_back(i);
    state_->evaluators[i] = std::make_unique<DefinitionEvaluator>(i, definition, shape);
    state_->evaluators[i]->note_needed_columns(state_->needed);
  }
}

TableEvaluator::~TableEvaluator() = default;
TableEvaluator::TableEvaluator(TableEvaluator&&) noexcept = default;
TableEvaluator& TableEvaluator::operator=(TableEvaluator&&) noexcept = default;

const std::vector<uint32_t>& TableEvaluator::definitions() const { return state_->definitions; }

const std::vector<bool>& TableEvaluator::needed_columns() const { return state_->needed; }

void TableEvaluator::evaluate(std::span<const Value> row, RowEffects& effects) const {
  for (const uint32_t i : state_->definitions) state_->evaluators[i]->evaluate(row, effects);
}

bool TableEvaluator::is_located_by(const std::vector<bool>& columns, uint32_t definition) const {
  return state_->evaluators[definition]->is_located_by(columns);
}

void TableEvaluator::locate(std::span<const Value> row, std::span<const uint32_t> definitions,
                            RowEffects& effects) const {
  for (const uint32_t i : definitions) state_->evaluators[i]->locate(row, effects);
}

}  // namespace brigade
