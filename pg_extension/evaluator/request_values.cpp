#include "evaluator/request_values.h"

#include <stdexcept>

#include "evaluator/json_value.h"

namespace brigade {

using nlohmann::json;

namespace {

json parse_object(const std::string& text) {
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return object.is_object() ? object : json::object();
}

}  // namespace

RequestValues::RequestValues(const Request& request)
    : user_id_(request.user_id),
      token_(parse_object(request.token_json)),
      connection_(parse_object(request.connection_parameters)) {}

void RequestValues::set_subscription(const std::string& parameters_json) {
  subscription_ = parse_object(parameters_json);
}

const json& RequestValues::object_of(const std::string& name) const {
  if (name == "auth") return token_;
  return name == "connection" ? connection_ : subscription_;
}

Value RequestValues::value_of(const json& value) {
  return value_of_json(value, texts_.emplace_back());
}

Value RequestValues::input(const Expression& expression) {
  if (expression.name == "user_id") return Value::of_text(user_id_);
  const json& object = object_of(expression.name);
  if (expression.key.empty()) return value_of(object);
  const auto found = object.find(expression.key);
  return found == object.end() ? Value::null() : value_of(*found);
}

const Value& RequestValues::evaluate(const Expression& expression) {
  texts_.clear();
  inputs_.clear();
  list_ = std::make_unique<ExpressionList>(std::vector<Expression>{expression},
                                           [&](const Expression& wanted) {
                                             inputs_.push_back(input(wanted));
                                             return inputs_.size() - 1;
                                           });
  if (!list_->evaluate(inputs_)) throw std::runtime_error(list_->error());
  return list_->results().front();
}

}  // namespace brigade
