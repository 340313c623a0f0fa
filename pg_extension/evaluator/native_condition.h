#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sync_config/expression.h"
#include "sync_config/value.h"

namespace brigade {

// A condition on plain columns that needs no SQLite: comparisons with each other and with literals,
// IS NULL, IN (list), BETWEEN, AND, OR and NOT. It gives what SQLite gives: values without affinity
// compare by storage class first (https://sqlite.org/datatype3.html, "Comparison Expressions").
class NativeCondition {
 public:
  // Gives the number of an input, for column, request and metadata expressions.
  using InputNumber = std::function<size_t(const Expression&)>;

  // Nothing if the expression is no such condition.
  static std::optional<NativeCondition> make(const Expression& expression,
                                             const InputNumber& input_number);

  // 1, 0 or null. Input number i is inputs[positions[i]].
  Value evaluate(std::span<const Value> inputs, const std::vector<size_t>& positions) const;

 private:
  enum class Truth : uint8_t { no, yes, unknown };
  enum class Kind : uint8_t {
    input,
    literal,
    equal,
    not_equal,
    less,
    less_or_equal,
    greater,
    greater_or_equal,
    is_null,
    is_not_null,
    in,
    between,
    all,
    any,
    negation,
  };
  struct Inputs {
    std::span<const Value> values;
    const std::vector<size_t>& positions;
  };
  class Builder;

  Value value(const Inputs& inputs) const;
  Truth truth(const Inputs& inputs) const;
  Truth compare(Kind kind, const Value& left, const Value& right) const;
  Truth in_list(const Inputs& inputs) const;
  Truth combine(const Inputs& inputs, Truth decisive) const;
  static Truth negate(Truth truth);

  Kind kind_ = Kind::literal;
  size_t input_ = 0;
  Value literal_ = Value::null();
  std::shared_ptr<const std::string> text_;  // the literal's bytes
  std::vector<NativeCondition> operands_;
};

// How SQLite orders two values that are not null: below, at or above 0.
int compare_values(const Value& left, const Value& right);

}  // namespace brigade
