#pragma once

#include <cstdint>
#include <vector>

#include "compaction/history.h"

// The history of a bucket in brigade.bucket_op. REQUIRES throughout: an open transaction with SPI.
namespace brigade {

// The first operations after `after`, up to `until`, in order; at most `limit`.
std::vector<HistoryEntry> read_history(int64_t bucket, int64_t after, int64_t until, int64_t limit);

// Makes the edits; what they delete is still counted.
void apply_edits(int64_t bucket, const Edits& edits);

// Takes `deleted` operations off the bucket's count. The writer updates the same row, and waits for
// the commit: this is the last thing to do before one that does not wait for the disk.
void subtract_from_count(int64_t bucket, int64_t deleted);

}  // namespace brigade
