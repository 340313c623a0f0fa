#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/held_changes.h"

// How brigade.held_row is filled with what buckets and lookups hold of a table, before the table
// begins to be copied. Each function does a part: those with a position begin at `from`, take
// `count` rows, add those that mattered to `rows`, and say where the next part begins, or nothing
// after the last.
// REQUIRES throughout: a pg::SnapshotWithOwnWrites.
namespace brigade {

using PartEnd = std::optional<Subkey>;

// What an earlier copy, given up, has left.
PartEnd forget_held_part(const TruncateChange& table, const Subkey& from, int64_t count,
                         int64_t& rows);
// What is remembered by definitions that need not remember the table's rows any more.
PartEnd forget_memberships_part(const TruncateChange& table, const Subkey& from, int64_t count,
                                int64_t& rows);
// Those that make lookup entries become held. What the stream adds behind the part is not missed.
// Where a table is expected to be copied, the stream replaces all that storage has of a row it
// tells of, whatever that is. So of a row it has told of there is nothing that only the copy could
// find. Nor does it harm that a row is held whose entries are gone.
PartEnd hold_lookups_part(const TruncateChange& table, const Subkey& from, int64_t count,
                          int64_t& rows);

bool has_buckets(int32_t definition);

// Makes rows held, or no longer held, as the newest operations say; returns how many more are held
// now.
int64_t apply(const std::vector<HeldChanges::Change>& changes);
// Forgets up to `count` rows of a table that a bucket holds; returns how many.
int64_t forget_in_bucket(const TruncateChange& table, int64_t bucket, int64_t count);

}  // namespace brigade
