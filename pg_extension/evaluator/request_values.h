#pragma once

#include <deque>
#include <nlohmann/json.hpp>
#include <string>

#include "evaluator/expression_list.h"
#include "evaluator/resolver.h"
#include "sync_config/value.h"

namespace brigade {

// What request expressions read: the token's claims, the connection's and one subscription's
// parameters.
class RequestValues {
 public:
  explicit RequestValues(const Request& request);

  // Says whose parameters subscription.parameter() reads; "{}" for a default stream.
  void set_subscription(const std::string& parameters_json);

  // The value of an expression without tables. Good until the next call. Throws std::runtime_error
  // if it cannot be computed.
  const Value& evaluate(const Expression& expression);

 private:
  Value input(const Expression& expression);
  const nlohmann::json& object_of(const std::string& name) const;
  Value value_of(const nlohmann::json& json);

  std::string user_id_;
  nlohmann::json token_;
  nlohmann::json connection_;
  nlohmann::json subscription_ = nlohmann::json::object();
  std::deque<std::string> texts_;
  std::vector<Value> inputs_;
  std::unique_ptr<ExpressionList> list_;
};

}  // namespace brigade
