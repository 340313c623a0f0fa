#include "protocol/bounded_json.h"

namespace brigade::sidecar {

namespace {

bool holds_nul(const Json& value) {
  return value.is_string() && value.get_ref<const std::string&>().find('\0') != std::string::npos;
}

}  // namespace

std::optional<Json> parse_bounded_json(std::string_view text) {
  bool acceptable = true;
  auto check = [&acceptable](int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    bool opens = event == Event::object_start || event == Event::array_start;
    if (opens && depth >= json_depth_max) acceptable = false;
    if ((event == Event::key || event == Event::value) && holds_nul(parsed)) acceptable = false;
    // Keeping nothing once the text is refused bounds what a hostile text can allocate.
    return acceptable;
  };
  Json value = Json::parse(text, check, false);
  if (!acceptable || value.is_discarded()) return {};
  return value;
}

}  // namespace brigade::sidecar
