// Bodies of requests.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/stream_request.h"

using namespace brigade::sidecar;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  parse_stream_request(text);
  parse_checkpoint_request(text);
  return 0;
}
