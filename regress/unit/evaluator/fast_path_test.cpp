#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <random>

#include "evaluator/expression_list.h"
#include "evaluator/value_text.h"

namespace brigade {
namespace {

using Kind = Expression::Kind;

constexpr int column_count = 3;

// Values of all types, half of them near each other, so that random pairs are often equal or close.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  size_t below(size_t count) {
    return std::uniform_int_distribution<size_t>(0, count - 1)(engine_);
  }

  Value value() {
    static const std::vector<int64_t> integers = {
        0, 1, -1, 2, 9007199254740992, 9007199254740993, INT64_MAX, INT64_MIN};
    static const std::vector<double> reals = {0.0,
                                              -0.0,
                                              1.0,
                                              1.5,
                                              -1.0,
                                              9007199254740992.0,
                                              9223372036854775808.0,
                                              -9223372036854775808.0,
                                              std::numeric_limits<double>::infinity(),
                                              std::nan("")};
    static const std::vector<std::string_view> texts = {
        "", "0", "1", "1.0", " 1", "a", "A", "ab", "\xc3\xa9", "inf", "0x10", "1e5", "-", ".5"};
    if (below(2) == 0) return any_value();
    switch (below(8)) {
      case 0:
        return Value::null();
      case 1:
      case 2:
        return Value::of_integer(integers[below(integers.size())]);
      case 3:
      case 4:
        return Value::of_real(reals[below(reals.size())]);
      case 5:
        return Value::of_blob(texts[below(texts.size())]);
      default:
        return Value::of_text(texts[below(texts.size())]);
    }
  }

  // Numbers of all magnitudes, and texts and blobs of anything.
  Value any_value() {
    const uint64_t bits = engine64_();
    const int shift = static_cast<int>(below(64));
    double real = 0;
    std::memcpy(&real, &bits, sizeof real);
    switch (below(6)) {
      case 0:
        return Value::of_integer(static_cast<int64_t>(bits) >> shift);
      case 1:
        return Value::of_real(real);
      case 2:
        return Value::of_real(static_cast<double>(static_cast<int64_t>(bits) >> shift) / 4);
      case 3:
        return Value::of_text(keep(std::to_string(static_cast<int64_t>(bits) >> shift)));
      case 4:
        return Value::of_text(keep(letters()));
      default:
        return Value::of_blob(keep(std::string(reinterpret_cast<const char*>(&bits), below(9))));
    }
  }

  Expression operand() {
    Expression expression;
    if (below(2) == 0) {
      expression.kind = Kind::column;
      expression.name = std::string(1, static_cast<char>('a' + below(column_count)));
      return expression;
    }
    const Value literal = value();
    if (literal.kind == ValueKind::integer) expression.value = literal.integer;
    if (literal.kind == ValueKind::real && std::isfinite(literal.real)) {
      expression.value = literal.real;
    }
    if (literal.kind == ValueKind::text) expression.value = literal.view();
    return expression;
  }

  Expression condition(int depth) {
    static const std::vector<const char*> comparisons = {"=", "<>", "<", "<=", ">", ">="};
    switch (depth == 0 ? below(4) : below(7)) {
      case 0:
        return make(Kind::binary, comparisons[below(comparisons.size())], {operand(), operand()});
      case 1:
        return make(Kind::unary, below(2) == 0 ? "IS NULL" : "IS NOT NULL", {operand()});
      case 2:
        return make(Kind::list_in, below(2) == 0 ? "IN" : "NOT IN",
                    {operand(), operand(), operand()});
      case 3:
        return make(Kind::between, below(2) == 0 ? "BETWEEN" : "NOT BETWEEN",
                    {operand(), operand(), operand()});
      case 4:
        return make(Kind::unary, "NOT", {condition(depth - 1)});
      default:
        return make(Kind::binary, below(2) == 0 ? "AND" : "OR",
                    {condition(depth - 1), condition(depth - 1)});
    }
  }

 private:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  std::string letters() {
    static const std::vector<const char*> all = {
        "a", "B", "0", ".", " ", "\"", "'", "\n", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xef\xbf\xbd"};
    std::string text;
    for (size_t i = below(6); i > 0; i--) text += all[below(all.size())];
    return text;
  }

  static Expression make(Kind kind, const char* name, std::vector<Expression> arguments) {
    Expression expression;
    expression.kind = kind;
    expression.name = name;
    expression.arguments = std::move(arguments);
    return expression;
  }

  std::mt19937 engine_;
  std::mt19937_64 engine64_{20240229};
  std::deque<std::string> texts_;  // what values point to
};

std::string describe(const Value& value) {
  if (value.kind == ValueKind::blob) return "blob " + std::string(value.view());
  std::string text;
  append_json_value(text, value);
  return text;
}

std::string evaluate(const Expression& expression, const std::vector<Value>& row,
                     ExpressionList::Engine engine) {
  ExpressionList list(
      {expression}, [](const Expression& e) { return size_t(e.name[0] - 'a'); }, engine);
  EXPECT_TRUE(list.evaluate(row)) << list.error();
  return describe(list.results()[0]);
}

TEST(FastPath, AgreesWithSqliteOnEveryValue) {
  Random random(20240229);
  for (int i = 0; i < 3000; i++) {
    const Expression expression = random.condition(2);
    for (int j = 0; j < 5; j++) {
      std::vector<Value> row;
      for (int column = 0; column < column_count; column++) row.push_back(random.value());
      ASSERT_EQ(evaluate(expression, row, ExpressionList::Engine::fastest),
                evaluate(expression, row, ExpressionList::Engine::sqlite_only))
          << to_json(expression).dump() << " of " << describe(row[0]) << ", " << describe(row[1])
          << ", " << describe(row[2]);
    }
  }
}

TEST(FastPath, TruthIsSqlites) {
  Random random(7);
  Expression column;
  column.kind = Kind::column;
  column.name = "a";
  Expression twice_negated = column;
  for (int i = 0; i < 2; i++) {
    Expression negation;
    negation.kind = Kind::unary;
    negation.name = "NOT";
    negation.arguments.push_back(twice_negated);
    twice_negated = negation;
  }
  for (int i = 0; i < 500; i++) {
    const std::vector<Value> row = {random.value()};
    const std::string sqlite = evaluate(twice_negated, row, ExpressionList::Engine::sqlite_only);
    EXPECT_EQ(is_true(row[0]), sqlite == "1") << describe(row[0]);
  }
}

}  // namespace
}  // namespace brigade
