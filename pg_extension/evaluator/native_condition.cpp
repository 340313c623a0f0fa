#include "evaluator/native_condition.h"

#include <array>
#include <cmath>

namespace brigade {

namespace {

int order(bool less, bool greater) { return less ? -1 : (greater ? 1 : 0); }

// Exact for every pair: most 64-bit integers are no reals.
int compare_integer_with_real(int64_t integer, double real) {
  constexpr double too_large = 9223372036854775808.0;
  if (real >= too_large) return -1;
  if (real < -too_large) return 1;
  const auto whole = static_cast<int64_t>(real);
  if (integer != whole) return order(integer < whole, true);
  const double fraction = real - static_cast<double>(whole);
  return order(fraction > 0, fraction < 0);
}

int compare_numbers(const Value& left, const Value& right) {
  const bool left_integer = left.kind == ValueKind::integer;
  const bool right_integer = right.kind == ValueKind::integer;
  if (left_integer && right_integer) {
    return order(left.integer<right.integer, left.integer> right.integer);
  }
  if (left_integer) return compare_integer_with_real(left.integer, right.real);
  if (right_integer) return -compare_integer_with_real(right.integer, left.real);
  return order(left.real<right.real, left.real> right.real);
}

// Storage classes in SQLite's order.
int rank(const Value& value) {
  switch (value.kind) {
    case ValueKind::text:
      return 1;
    case ValueKind::blob:
      return 2;
    default:
      return 0;
  }
}

// SQLite has no NaN: it is null.
bool is_null(const Value& value) {
  return value.kind == ValueKind::null || value.kind == ValueKind::unchanged ||
         (value.kind == ValueKind::real && std::isnan(value.real));
}

bool is_input(const Expression& expression) {
  return expression.kind == Expression::Kind::column ||
         expression.kind == Expression::Kind::request ||
         expression.kind == Expression::Kind::metadata;
}

}  // namespace

int compare_values(const Value& left, const Value& right) {
  const int left_rank = rank(left);
  const int right_rank = rank(right);
  if (left_rank != right_rank) return left_rank - right_rank;
  if (left_rank == 0) return compare_numbers(left, right);
  return left.view().compare(right.view());
}

// ---- making

class NativeCondition::Builder {
 public:
  explicit Builder(const InputNumber& input_number) : input_number_(input_number) {}

  std::optional<NativeCondition> condition(const Expression& expression) const {
    switch (expression.kind) {
      case Expression::Kind::binary:
        return binary(expression);
      case Expression::Kind::unary:
        return unary(expression);
      case Expression::Kind::between:
        return negated_if(expression.name == "NOT BETWEEN",
                          with_operands(Kind::between, expression, &Builder::operand));
      case Expression::Kind::list_in:
        return negated_if(expression.name == "NOT IN",
                          with_operands(Kind::in, expression, &Builder::operand));
      default:
        return std::nullopt;
    }
  }

 private:
  using Make = std::optional<NativeCondition> (Builder::*)(const Expression&) const;

  std::optional<NativeCondition> operand(const Expression& expression) const {
    NativeCondition made;
    if (is_input(expression)) {
      made.kind_ = Kind::input;
      made.input_ = input_number_(expression);
      return made;
    }
    if (expression.kind != Expression::Kind::literal) return std::nullopt;
    const nlohmann::json& value = expression.value;
    if (value.is_number_float()) {
      made.literal_ = Value::of_real(value.get<double>());
    } else if (value.is_number_integer()) {
      made.literal_ = Value::of_integer(value.get<int64_t>());
    } else if (value.is_string()) {
      made.text_ = std::make_shared<const std::string>(value.get<std::string>());
      made.literal_ = Value::of_text(*made.text_);
    }
    return made;
  }

  std::optional<NativeCondition> binary(const Expression& expression) const {
    struct Operator {
      std::string_view name;
      Kind kind;
      Make make;
    };
    constexpr std::array<Operator, 8> operators = {{
        {"=", Kind::equal, &Builder::operand},
        {"<>", Kind::not_equal, &Builder::operand},
        {"<", Kind::less, &Builder::operand},
        {"<=", Kind::less_or_equal, &Builder::operand},
        {">", Kind::greater, &Builder::operand},
        {">=", Kind::greater_or_equal, &Builder::operand},
        {"AND", Kind::all, &Builder::condition},
        {"OR", Kind::any, &Builder::condition},
    }};
    for (const Operator& known : operators) {
      if (known.name == expression.name) return with_operands(known.kind, expression, known.make);
    }
    return std::nullopt;
  }

  std::optional<NativeCondition> unary(const Expression& expression) const {
    if (expression.name == "IS NULL") {
      return with_operands(Kind::is_null, expression, &Builder::operand);
    }
    if (expression.name == "IS NOT NULL") {
      return with_operands(Kind::is_not_null, expression, &Builder::operand);
    }
    if (expression.name != "NOT") return std::nullopt;
    return with_operands(Kind::negation, expression, &Builder::condition);
  }

  std::optional<NativeCondition> with_operands(Kind kind, const Expression& expression,
                                               Make make) const {
    NativeCondition made;
    made.kind_ = kind;
    for (const Expression& argument : expression.arguments) {
      std::optional<NativeCondition> operand = (this->*make)(argument);
      if (!operand) return std::nullopt;
      made.operands_.push_back(std::move(*operand));
    }
    return made;
  }

  static std::optional<NativeCondition> negated_if(bool negated,
                                                   std::optional<NativeCondition> condition) {
    if (!negated || !condition) return condition;
    NativeCondition negation;
    negation.kind_ = Kind::negation;
    negation.operands_.push_back(std::move(*condition));
    return negation;
  }

  const InputNumber& input_number_;
};

std::optional<NativeCondition> NativeCondition::make(const Expression& expression,
                                                     const InputNumber& input_number) {
  return Builder(input_number).condition(expression);
}

// ---- evaluating

Value NativeCondition::evaluate(std::span<const Value> inputs,
                                const std::vector<size_t>& positions) const {
  const Truth result = truth({inputs, positions});
  return result == Truth::unknown ? Value::null() : Value::of_integer(result == Truth::yes ? 1 : 0);
}

Value NativeCondition::value(const Inputs& inputs) const {
  return kind_ == Kind::input ? inputs.values[inputs.positions[input_]] : literal_;
}

NativeCondition::Truth NativeCondition::negate(Truth truth) {
  if (truth == Truth::unknown) return truth;
  return truth == Truth::yes ? Truth::no : Truth::yes;
}

NativeCondition::Truth NativeCondition::compare(Kind kind, const Value& left,
                                                const Value& right) const {
  if (is_null(left) || is_null(right)) return Truth::unknown;
  const int order = compare_values(left, right);
  const auto truth_of = [](bool holds) { return holds ? Truth::yes : Truth::no; };
  switch (kind) {
    case Kind::equal:
      return truth_of(order == 0);
    case Kind::not_equal:
      return truth_of(order != 0);
    case Kind::less:
      return truth_of(order < 0);
    case Kind::less_or_equal:
      return truth_of(order <= 0);
    case Kind::greater:
      return truth_of(order > 0);
    default:
      return truth_of(order >= 0);
  }
}

// The element that decides is worth more than one that is unknown, in AND, OR and IN alike.
NativeCondition::Truth NativeCondition::combine(const Inputs& inputs, Truth decisive) const {
  Truth result = negate(decisive);
  for (const NativeCondition& operand : operands_) {
    const Truth part = operand.truth(inputs);
    if (part == decisive) return decisive;
    if (part == Truth::unknown) result = Truth::unknown;
  }
  return result;
}

NativeCondition::Truth NativeCondition::in_list(const Inputs& inputs) const {
  const Value left = operands_[0].value(inputs);
  Truth result = Truth::no;
  for (size_t i = 1; i < operands_.size(); i++) {
    const Truth part = compare(Kind::equal, left, operands_[i].value(inputs));
    if (part == Truth::yes) return part;
    if (part == Truth::unknown) result = part;
  }
  return result;
}

NativeCondition::Truth NativeCondition::truth(const Inputs& inputs) const {
  switch (kind_) {
    case Kind::is_null:
      return is_null(operands_[0].value(inputs)) ? Truth::yes : Truth::no;
    case Kind::is_not_null:
      return is_null(operands_[0].value(inputs)) ? Truth::no : Truth::yes;
    case Kind::in:
      return in_list(inputs);
    case Kind::between: {
      const Value middle = operands_[0].value(inputs);
      const Truth low = compare(Kind::greater_or_equal, middle, operands_[1].value(inputs));
      const Truth high = compare(Kind::less_or_equal, middle, operands_[2].value(inputs));
      if (low == Truth::no || high == Truth::no) return Truth::no;
      return low == Truth::yes ? high : low;
    }
    case Kind::all:
      return combine(inputs, Truth::no);
    case Kind::any:
      return combine(inputs, Truth::yes);
    case Kind::negation:
      return negate(operands_[0].truth(inputs));
    default:
      return compare(kind_, operands_[0].value(inputs), operands_[1].value(inputs));
  }
}

}  // namespace brigade
