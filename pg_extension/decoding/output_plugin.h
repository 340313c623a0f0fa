#pragma once

#include "decoding/decoder.h"

namespace brigade {

// The decoder that the output plugin's callbacks of this process feed. Null outside the worker:
// then the plugin refuses to start, since only the worker knows the plans in force.
void set_plugin_decoder(Decoder* decoder);

}  // namespace brigade
