#pragma once

#include <cstdint>
#include <optional>

#include "sync_config/value.h"

namespace brigade {

// The leading 32 bits of a key in the order in which such keys are given out: ascending for
// integers that are, for UUIDs of version 7 and other texts that begin with eight hexadecimal
// digits, and for ULIDs. Nothing for keys in which no order shows.
std::optional<uint32_t> key_order(const Value& key);

}  // namespace brigade
