#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "evaluator/expression_list.h"
#include "evaluator/row_effects.h"
#include "sync_config/plan.h"
#include "sync_config/value.h"

namespace brigade {

// A concrete table, as far as expressions can see it.
struct TableShape {
  std::string schema;
  std::string table;
  std::vector<std::string> columns;
};

// One definition bound to one table.
class DefinitionEvaluator {
 public:
  DefinitionEvaluator(uint32_t index, const Definition& definition, const TableShape& shape);

  // These are as TableEvaluator has them.
  void evaluate(std::span<const Value> row, RowEffects& effects);
  void locate(std::span<const Value> row, RowEffects& effects);
  bool is_located_by(const std::vector<bool>& columns) const;
  void note_needed_columns(std::vector<bool>& needed) const;

 private:
  // Expressions see these values, in this order: the row, table metadata, array elements, and a
  // null for columns that the table does not have.
  enum Metadata : size_t { schema, table_name, table_suffix, metadata_count };

  enum class Source : uint8_t { row, outputs, id };

  struct JsonColumn {
    std::string prefix;  // `,"name":`
    Source source;
    size_t index;  // in the row, or in the results of outputs_ or id_
  };

  size_t input_position(const Expression& expression) const;
  size_t element_position(size_t element) const;
  size_t null_position() const;
  static void collect_elements(const Expression& expression, std::vector<Expression>& elements);
  static std::vector<Expression> elements_of(const Definition& definition);
  static std::vector<Expression> output_expressions(const Definition& definition);
  static std::vector<Expression> id_expression(const Definition& definition,
                                               const TableShape& shape);
  void prepare_columns(const Definition& definition);
  void add_column(const std::string& name, Source source, size_t index);
  const Value& value_of(const JsonColumn& column) const;

  void evaluate_row(std::span<const Value> row, RowEffects& effects);
  void evaluate_combinations(size_t element, RowEffects& effects);
  void evaluate_once(RowEffects& effects);
  bool passes_filters(RowEffects& effects);
  void add_output(const std::string& key, RowEffects& effects);
  bool set_id(RowEffects::Output& output, RowEffects& effects);
  bool render_row(RowEffects::Output& output, RowEffects& effects);
  bool fail(const std::string& message, RowEffects& effects);

  uint32_t index_;
  bool lookup_;
  TableShape shape_;
  std::string table_suffix_;
  std::string output_table_;
  std::vector<Expression> elements_;
  ExpressionList arrays_;
  ExpressionList filters_;
  ExpressionList key_;
  ExpressionList values_;
  ExpressionList outputs_;  // without the id
  ExpressionList id_;       // empty if no column is the id
  std::vector<JsonColumn> columns_;

  // Of the row being evaluated.
  std::vector<Value> inputs_;
  std::vector<std::vector<nlohmann::json>> element_values_;
  std::vector<std::string> element_texts_;
  bool with_data_ = true;
  bool has_output_ = false;  // the last of the effects' outputs is this row's
  bool failed_ = false;
  size_t data_size_ = 0;  // what the next row's JSON text may need
};

}  // namespace brigade
