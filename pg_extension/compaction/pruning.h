#pragma once

#include "compaction/pacer.h"

namespace brigade {

// Deletes, in short transactions, what nobody needs any more: old entries of the commit log,
// write checkpoints of clients that are gone, sync configs long out of force, and what dropped
// definitions leave behind. REQUIRES: no transaction.
void prune(Pacer& pacer);

}  // namespace brigade
