#include <cstddef>
#include <cstdint>
#include <string_view>

#include "targets.h"

// libFuzzer's entry; the build sets which target it runs.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  brigade::fuzz::BRIGADE_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
