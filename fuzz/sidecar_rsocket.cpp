#include "targets.h"

#include <string_view>

#include "protocol/bounded_json.h"
#include "protocol/rsocket.h"

namespace brigade::fuzz {

using namespace brigade::sidecar;

void sidecar_rsocket(std::string_view input) {
  auto frame = parse_rsocket_frame(input);
  if (!frame) return;
  rsocket_keepalive_answer(*frame);
  parse_bounded_json(frame->metadata);
  parse_bounded_json(frame->data);
}

}  // namespace brigade::fuzz
