// RSocket frames.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/bounded_json.h"
#include "protocol/rsocket.h"

using namespace brigade::sidecar;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  auto frame = parse_rsocket_frame({reinterpret_cast<const char*>(bytes), size});
  if (!frame) return 0;
  rsocket_keepalive_answer(*frame);
  parse_bounded_json(frame->metadata);
  parse_bounded_json(frame->data);
  return 0;
}
