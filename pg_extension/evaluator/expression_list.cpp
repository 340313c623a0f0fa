#include "evaluator/expression_list.h"

#include <sqlite3.h>

#include <cmath>
#include <stdexcept>

#include "evaluator/sqlite_functions.h"

namespace brigade {

namespace {

using Kind = Expression::Kind;

// A row's expressions are small; a runaway one must not stop the worker.
constexpr int result_bytes_max = 64 << 20;

[[noreturn]] void fail(sqlite3* connection, const std::string& what) {
  throw std::runtime_error("SQLite: " + what + ": " + sqlite3_errmsg(connection));
}

sqlite3* open_connection() {
  sqlite3* connection = nullptr;
  if (sqlite3_open_v2(":memory:", &connection,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                      nullptr) != SQLITE_OK) {
    fail(connection, "open");
  }
  sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, result_bytes_max);
  register_functions(connection);
  return connection;
}

// One a process: statements are used by one thread only.
sqlite3* connection() {
  static sqlite3* const opened = open_connection();
  return opened;
}

Value literal_value(const nlohmann::json& json, std::vector<std::unique_ptr<std::string>>& texts) {
  if (json.is_number_float()) return Value::of_real(json.get<double>());
  if (json.is_number_integer()) return Value::of_integer(json.get<int64_t>());
  if (!json.is_string()) return Value::null();
  texts.push_back(std::make_unique<std::string>(json.get<std::string>()));
  return Value::of_text(*texts.back());
}

int bind(sqlite3_stmt* statement, int index, const Value& value) {
  switch (value.kind) {
    case ValueKind::integer:
      return sqlite3_bind_int64(statement, index, value.integer);
    case ValueKind::real:
      return sqlite3_bind_double(statement, index, value.real);
    case ValueKind::text:
      return sqlite3_bind_text64(statement, index, value.bytes.data, value.bytes.size,
                                 SQLITE_STATIC, SQLITE_UTF8);
    case ValueKind::blob:
      return sqlite3_bind_blob64(statement, index, value.bytes.data, value.bytes.size,
                                 SQLITE_STATIC);
    default:
      return sqlite3_bind_null(statement, index);
  }
}

Value result(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return Value::of_integer(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return Value::of_real(sqlite3_column_double(statement, column));
    case SQLITE_NULL:
      return Value::null();
    default: {
      const bool text = sqlite3_column_type(statement, column) == SQLITE_TEXT;
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      const std::string_view view(bytes,
                                  static_cast<size_t>(sqlite3_column_bytes(statement, column)));
      return text ? Value::of_text(view) : Value::of_blob(view);
    }
  }
}

}  // namespace

struct ExpressionList::Statement {
  sqlite3_stmt* handle = nullptr;
  int columns = 0;

  explicit Statement(const std::string& sql) {
    if (sqlite3_prepare_v3(connection(), sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &handle,
                           nullptr) != SQLITE_OK) {
      fail(connection(), sql);
    }
    columns = sqlite3_column_count(handle);
  }
  ~Statement() { sqlite3_finalize(handle); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
};

ExpressionList::~ExpressionList() = default;
ExpressionList::ExpressionList(ExpressionList&&) noexcept = default;
ExpressionList& ExpressionList::operator=(ExpressionList&&) noexcept = default;

// Inputs are the numbered parameters of SQL: "?3" is the third.
size_t ExpressionList::input_number(const Expression& input) {
  return std::stoul(to_sql(input, inputs_).substr(1)) - 1;
}

ExpressionList::Slot ExpressionList::slot_of(const Expression& expression, std::string& select) {
  if (engine_ == Engine::fastest) {
    const bool input = expression.kind == Kind::column || expression.kind == Kind::request ||
                       expression.kind == Kind::metadata;
    if (input) return {Slot::Kind::input, input_number(expression)};
    if (expression.kind == Kind::literal) {
      return {Slot::Kind::literal, 0, literal_value(expression.value, literal_texts_)};
    }
    std::optional<NativeCondition> condition = NativeCondition::make(
        expression, [this](const Expression& wanted) { return input_number(wanted); });
    if (condition) {
      conditions_.push_back(std::move(*condition));
      return {Slot::Kind::native, conditions_.size() - 1};
    }
  }
  select += (select.empty() ? "SELECT " : ", ") + to_sql(expression, inputs_);
  return {Slot::Kind::computed};
}

void ExpressionList::prepare(const std::vector<Expression>& expressions) {
  std::string select;
  size_t computed = 0;
  for (const Expression& expression : expressions) {
    slots_.push_back(slot_of(expression, select));
    if (slots_.back().kind == Slot::Kind::computed) slots_.back().index = computed++;
  }
  if (computed > 0) statement_ = std::make_shared<Statement>(select);
  results_.resize(slots_.size());
}

bool ExpressionList::compute(std::span<const Value> inputs) {
  sqlite3_stmt* statement = statement_->handle;
  sqlite3_reset(statement);
  const int parameters = sqlite3_bind_parameter_count(statement);
  for (int i = 0; i < parameters; i++) {
    if (bind(statement, i + 1, inputs[input_positions_[i]]) != SQLITE_OK) {
      error_ = sqlite3_errmsg(connection());
      return false;
    }
  }
  if (sqlite3_step(statement) == SQLITE_ROW) return true;
  error_ = sqlite3_errmsg(connection());
  return false;
}

bool ExpressionList::evaluate(std::span<const Value> inputs) {
  if (statement_ != nullptr && !compute(inputs)) return false;
  for (size_t i = 0; i < slots_.size(); i++) {
    const Slot& slot = slots_[i];
    switch (slot.kind) {
      case Slot::Kind::input:
        results_[i] = inputs[input_positions_[slot.index]];
        break;
      case Slot::Kind::literal:
        results_[i] = slot.value;
        break;
      case Slot::Kind::native:
        results_[i] = conditions_[slot.index].evaluate(inputs, input_positions_);
        break;
      case Slot::Kind::computed:
        results_[i] = result(statement_->handle, static_cast<int>(slot.index));
        break;
    }
  }
  return true;
}

namespace {

// The number a text begins with, as SQLite casts text to real; unlike strtod() it knows no
// hexadecimal, infinity and NaN.
double leading_number(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\n\v\f\r");
  if (start == std::string_view::npos) return 0;
  text.remove_prefix(start);
  const size_t end = text.find_first_not_of("+-.0123456789eE");
  return std::strtod(std::string(text.substr(0, end)).c_str(), nullptr);
}

}  // namespace

bool is_true(const Value& value) {
  switch (value.kind) {
    case ValueKind::integer:
      return value.integer != 0;
    case ValueKind::real:
      return value.real != 0 && !std::isnan(value.real);
    case ValueKind::text:
    case ValueKind::blob:
      return leading_number(value.view()) != 0;
    default:
      return false;
  }
}

}  // namespace brigade
