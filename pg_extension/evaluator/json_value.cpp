#include "evaluator/json_value.h"

namespace brigade {

using nlohmann::json;

Value value_of_json(const json& json, std::string& storage) {
  if (json.is_null()) return Value::null();
  if (json.is_boolean()) return Value::of_integer(json.get<bool>() ? 1 : 0);
  const bool too_large = json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX;
  if (json.is_number_float() || too_large) return Value::of_real(json.get<double>());
  if (json.is_number()) return Value::of_integer(json.get<int64_t>());
  storage = json.is_string() ? json.get<std::string>()
                             : json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return Value::of_text(storage);
}

std::vector<json> json_elements(const Value& text) {
  if (text.kind != ValueKind::text) return {};
  const json parsed = json::parse(text.view(), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_structured()) return {};
  return {parsed.begin(), parsed.end()};
}

}  // namespace brigade
