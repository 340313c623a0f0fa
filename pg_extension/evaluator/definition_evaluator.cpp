#include "evaluator/definition_evaluator.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "evaluator/json_value.h"
#include "evaluator/value_text.h"
#include "sync_config/json_text.h"

namespace brigade {

namespace {

using Kind = Expression::Kind;
using nlohmann::json;

constexpr std::string_view metadata_names[] = {"schema", "table_name", "table_suffix"};

bool is_element(const Expression& expression) {
  return expression.kind == Kind::metadata && expression.name == "element";
}

std::vector<Expression> arrays_of(const std::vector<Expression>& elements) {
  std::vector<Expression> arrays;
  for (const Expression& element : elements) arrays.push_back(element.arguments.at(0));
  return arrays;
}

}  // namespace

// ---- binding

DefinitionEvaluator::DefinitionEvaluator(uint32_t index, const Definition& definition,
                                         const TableShape& shape)
    : index_(index),
      lookup_(definition.kind == Definition::Kind::lookup_index),
      shape_(shape),
      table_suffix_(definition.table.suffix(shape.table)),
      output_table_(definition.output_table.empty() ? shape.table : definition.output_table),
      elements_(elements_of(definition)),
      arrays_(arrays_of(elements_), [&](const Expression& e) { return input_position(e); }),
      filters_(definition.filters, [&](const Expression& e) { return input_position(e); }),
      key_(definition.key, [&](const Expression& e) { return input_position(e); }),
      values_(definition.values, [&](const Expression& e) { return input_position(e); }),
      outputs_(output_expressions(definition),
               [&](const Expression& e) { return input_position(e); }),
      id_(id_expression(definition, shape),
          [&](const Expression& e) { return input_position(e); }) {
  inputs_.assign(null_position() + 1, Value::null());
  element_texts_.resize(elements_.size());
  const size_t metadata = shape_.columns.size();
  inputs_[metadata + Metadata::schema] = Value::of_text(shape_.schema);
  inputs_[metadata + Metadata::table_name] = Value::of_text(shape_.table);
  inputs_[metadata + Metadata::table_suffix] = Value::of_text(table_suffix_);
  if (!lookup_) prepare_columns(definition);
}

size_t DefinitionEvaluator::element_position(size_t element) const {
  return shape_.columns.size() + Metadata::metadata_count + element;
}

size_t DefinitionEvaluator::null_position() const { return element_position(elements_.size()); }

size_t DefinitionEvaluator::input_position(const Expression& expression) const {
  if (is_element(expression)) {
    for (size_t i = 0; i < elements_.size(); i++) {
      if (to_json(elements_[i]) == to_json(expression)) return element_position(i);
    }
  }
  if (expression.kind == Kind::metadata) {
    for (size_t i = 0; i < std::size(metadata_names); i++) {
      if (metadata_names[i] == expression.name) return shape_.columns.size() + i;
    }
  }
  const auto column = std::find(shape_.columns.begin(), shape_.columns.end(), expression.name);
  if (expression.kind != Kind::column || column == shape_.columns.end()) return null_position();
  return static_cast<size_t>(column - shape_.columns.begin());
}

void DefinitionEvaluator::collect_elements(const Expression& expression,
                                           std::vector<Expression>& elements) {
  if (is_element(expression)) {
    const bool known = std::any_of(elements.begin(), elements.end(), [&](const Expression& other) {
      return to_json(other) == to_json(expression);
    });
    if (!known) elements.push_back(expression);
    return;
  }
  for (const Expression& argument : expression.arguments) collect_elements(argument, elements);
}

std::vector<Expression> DefinitionEvaluator::elements_of(const Definition& definition) {
  std::vector<Expression> elements;
  for (const auto* list : {&definition.filters, &definition.key, &definition.values}) {
    for (const Expression& expression : *list) collect_elements(expression, elements);
  }
  return elements;
}

std::vector<Expression> DefinitionEvaluator::output_expressions(const Definition& definition) {
  std::vector<Expression> expressions;
  for (const OutputColumn& column : definition.columns) {
    if (!column.star && column.name != "id") expressions.push_back(column.expression);
  }
  return expressions;
}

// A later column of the same name takes the place of an earlier one, as in a JSON object.
std::vector<Expression> DefinitionEvaluator::id_expression(const Definition& definition,
                                                           const TableShape& shape) {
  Expression of_table;
  of_table.kind = Kind::column;
  of_table.name = "id";
  const bool table_has_it = std::ranges::find(shape.columns, "id") != shape.columns.end();
  std::vector<Expression> id;
  for (const OutputColumn& column : definition.columns) {
    if (column.star && table_has_it) id = {of_table};
    if (!column.star && column.name == "id") id = {column.expression};
  }
  return id;
}

void DefinitionEvaluator::prepare_columns(const Definition& definition) {
  size_t output = 0;
  for (const OutputColumn& column : definition.columns) {
    if (column.star) {
      for (size_t i = 0; i < shape_.columns.size(); i++) {
        add_column(shape_.columns[i], Source::row, i);
      }
    } else if (column.name == "id") {
      add_column(column.name, Source::id, 0);
    } else {
      add_column(column.name, Source::outputs, output++);
    }
  }
  // The first column has no comma before it.
  if (!columns_.empty()) columns_.front().prefix[0] = '{';
}

void DefinitionEvaluator::add_column(const std::string& name, Source source, size_t index) {
  std::string prefix = ",";
  append_json_string(prefix, name);
  prefix += ':';
  auto column = std::find_if(columns_.begin(), columns_.end(),
                             [&](const JsonColumn& other) { return other.prefix == prefix; });
  if (column == columns_.end()) column = columns_.insert(columns_.end(), {prefix, source, index});
  column->source = source;
  column->index = index;
}

// A column that the table does not have may be added to it.
bool DefinitionEvaluator::is_located_by(const std::vector<bool>& columns) const {
  const auto is_known = [&](size_t position) {
    return position < columns.size() ? columns[position] : position != null_position();
  };
  return std::ranges::all_of(std::array{&arrays_, &filters_, &key_, &values_, &id_},
                             [&](const ExpressionList* list) {
                               return std::ranges::all_of(list->input_positions(), is_known);
                             });
}

void DefinitionEvaluator::note_needed_columns(std::vector<bool>& needed) const {
  for (const auto* list : {&arrays_, &filters_, &key_, &values_, &outputs_, &id_}) {
    for (const size_t position : list->input_positions()) {
      if (position < needed.size()) needed[position] = true;
    }
  }
  for (const JsonColumn& column : columns_) {
    if (column.source == Source::row) needed[column.index] = true;
  }
}

// ---- evaluating

void DefinitionEvaluator::evaluate(std::span<const Value> row, RowEffects& effects) {
  with_data_ = true;
  evaluate_row(row, effects);
}

void DefinitionEvaluator::locate(std::span<const Value> row, RowEffects& effects) {
  with_data_ = false;
  evaluate_row(row, effects);
}

void DefinitionEvaluator::evaluate_row(std::span<const Value> row, RowEffects& effects) {
  std::copy(row.begin(), row.end(), inputs_.begin());
  has_output_ = false;
  failed_ = false;
  if (elements_.empty()) return evaluate_once(effects);
  if (!arrays_.evaluate(inputs_)) {
    fail(arrays_.error(), effects);
    return;
  }
  element_values_.clear();
  for (const Value& array : arrays_.results()) element_values_.push_back(json_elements(array));
  evaluate_combinations(0, effects);
}

void DefinitionEvaluator::evaluate_combinations(size_t element, RowEffects& effects) {
  if (element == elements_.size()) return evaluate_once(effects);
  for (const json& value : element_values_[element]) {
    inputs_[element_position(element)] = value_of_json(value, element_texts_[element]);
    evaluate_combinations(element + 1, effects);
    if (failed_) return;
  }
}

bool DefinitionEvaluator::fail(const std::string& message, RowEffects& effects) {
  effects.errors.push_back({index_, message});
  failed_ = true;
  return false;
}

bool DefinitionEvaluator::passes_filters(RowEffects& effects) {
  if (filters_.size() == 0) return true;
  if (!filters_.evaluate(inputs_)) return fail(filters_.error(), effects);
  return std::all_of(filters_.results().begin(), filters_.results().end(), is_true);
}

namespace {

// False if a value equals nothing, so that no request can ask for it.
bool render_key(const std::vector<Value>& values, std::string& key) {
  key.assign(1, '[');
  for (const Value& value : values) {
    if (key.size() > 1) key += ',';
    if (!append_key_value(key, value)) return false;
  }
  key += ']';
  return true;
}

}  // namespace

void DefinitionEvaluator::evaluate_once(RowEffects& effects) {
  if (!passes_filters(effects)) return;
  std::string key;
  if (!key_.evaluate(inputs_)) {
    fail(key_.error(), effects);
    return;
  }
  if (!render_key(key_.results(), key)) return;
  if (!lookup_) return add_output(key, effects);
  std::string value;
  if (!values_.evaluate(inputs_)) {
    fail(values_.error(), effects);
    return;
  }
  if (render_key(values_.results(), value)) effects.lookups.push_back({index_, key, value});
}

void DefinitionEvaluator::add_output(const std::string& key, RowEffects& effects) {
  if (has_output_) {
    std::vector<std::string>& parameters = effects.outputs.back().parameters;
    if (std::find(parameters.begin(), parameters.end(), key) == parameters.end()) {
      parameters.push_back(key);
    }
    return;
  }
  RowEffects::Output output;
  output.definition = index_;
  output.object_type = output_table_;
  if (!set_id(output, effects)) return;
  if (with_data_ && !render_row(output, effects)) return;
  output.parameters.push_back(key);
  effects.outputs.push_back(std::move(output));
  has_output_ = true;
}

bool DefinitionEvaluator::set_id(RowEffects::Output& output, RowEffects& effects) {
  if (id_.size() == 0) return fail("the table has no column \"id\"; select one AS id", effects);
  if (!id_.evaluate(inputs_)) return fail(id_.error(), effects);
  const Value& id = id_.results().front();
  if (id.kind == ValueKind::null) return fail("the id is null", effects);
  if (id.kind == ValueKind::blob) return fail("the id is binary; use hex(...) AS id", effects);
  output.object_id = id_text(id);
  return true;
}

const Value& DefinitionEvaluator::value_of(const JsonColumn& column) const {
  switch (column.source) {
    case Source::row:
      return inputs_[column.index];
    case Source::outputs:
      return outputs_.results()[column.index];
    case Source::id:
      break;
  }
  return id_.results()[column.index];
}

bool DefinitionEvaluator::render_row(RowEffects::Output& output, RowEffects& effects) {
  if (!outputs_.evaluate(inputs_)) return fail(outputs_.error(), effects);
  output.data.reserve(data_size_);
  for (const JsonColumn& column : columns_) {
    const Value& value = value_of(column);
    // Clients cannot hold blobs; base64() or hex() of one is text.
    if (value.kind == ValueKind::blob) continue;
    output.data += column.prefix;
    append_json_value(output.data, value);
  }
  output.data[0] = '{';
  output.data += '}';
  data_size_ = output.data.size() + output.data.size() / 8;
  if (output.data.size() <= row_bytes_max) return true;
  return fail("the row is larger than 15 MB; select fewer columns", effects);
}

}  // namespace brigade
