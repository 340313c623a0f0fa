#include "targets.h"

#include <string_view>

#include "protocol/stream_request.h"

namespace brigade::fuzz {

using namespace brigade::sidecar;

void sidecar_body(std::string_view input) {
  parse_stream_request(input);
  parse_checkpoint_request(input);
}

}  // namespace brigade::fuzz
