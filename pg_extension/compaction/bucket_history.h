#pragma once

#include <cstdint>
#include <vector>

#include "compaction/history.h"

// The history of a bucket in brigade.bucket_op. REQUIRES throughout: an open transaction with SPI.
namespace brigade {

// The first operations after `after`, up to `until`, in order; at most `limit`.
std::vector<HistoryEntry> read_history(int64_t bucket, int64_t after, int64_t until, int64_t limit);

// Makes the edits, and takes what they delete off the bucket's count.
void apply_edits(int64_t bucket, const Edits& edits);

}  // namespace brigade
