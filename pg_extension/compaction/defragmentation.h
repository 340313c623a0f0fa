#pragma once

#include <cstddef>
#include <cstdint>

#include "compaction/bucket_compaction.h"

// Where the oldest rows of a bucket keep a long history from being cleared, the writer is asked to
// append them again. REQUIRES throughout: no transaction.
namespace brigade {

// What a pass remembers for this, and so what may be asked for after it.
constexpr size_t reappended_rows_max = 10000;

// Asks for what the settings allow if the bucket has too many operations for its rows, and sees to
// it that it is looked at again. REQUIRES: its lock.
void defragment_if_worthwhile(int64_t bucket, const CompactionResult& compacted);

// Asks for as many rows as leave hardly more operations than rows; the number of rows.
int64_t defragment(int64_t bucket, const CompactionResult& compacted, size_t rows_max);

// Returns when the writer has done what was asked. Throws if it does not get on.
void wait_for_reappended();

}  // namespace brigade
