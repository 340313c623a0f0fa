#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "evaluator/native_condition.h"
#include "sync_config/expression.h"
#include "sync_config/value.h"

namespace brigade {

// Expressions made ready to be evaluated together on one row or request. Inputs (columns, request
// parameters, metadata) and literals are copied, and plain conditions on them decided here;
// everything else is computed by SQLite, so that a client computes the same.
class ExpressionList {
 public:
  // Tests choose sqlite_only, to compare.
  enum class Engine : uint8_t { fastest, sqlite_only };

  // `input_of` gives the position among the inputs of a column, request or metadata expression.
  template <typename InputOf>
  ExpressionList(const std::vector<Expression>& expressions, InputOf&& input_of,
                 Engine engine = Engine::fastest)
      : engine_(engine) {
    prepare(expressions);
    for (const Expression& input : inputs_) input_positions_.push_back(input_of(input));
  }
  ~ExpressionList();
  ExpressionList(ExpressionList&&) noexcept;
  ExpressionList& operator=(ExpressionList&&) noexcept;

  size_t size() const { return slots_.size(); }
  const std::vector<size_t>& input_positions() const { return input_positions_; }

  // Computes all expressions. The results are good until the next call and as long as `inputs`.
  // False: SQLite could not compute them, and error() says why.
  bool evaluate(std::span<const Value> inputs);
  const std::vector<Value>& results() const { return results_; }
  const std::string& error() const { return error_; }

 private:
  struct Slot {
    enum class Kind : uint8_t { input, literal, native, computed };
    Kind kind;
    size_t index = 0;             // into inputs_ or conditions_, or the column of the statement
    Value value = Value::null();  // literals
  };
  struct Statement;

  void prepare(const std::vector<Expression>& expressions);
  size_t input_number(const Expression& input);
  Slot slot_of(const Expression& expression, std::string& select);
  bool compute(std::span<const Value> inputs);

  Engine engine_;
  std::vector<Slot> slots_;
  std::vector<NativeCondition> conditions_;
  std::vector<Expression> inputs_;
  std::vector<size_t> input_positions_;
  std::vector<std::unique_ptr<std::string>> literal_texts_;
  std::shared_ptr<Statement> statement_;
  std::vector<Value> results_;
  std::string error_;
};

// Whether a value is true in a condition.
bool is_true(const Value& value);

}  // namespace brigade
