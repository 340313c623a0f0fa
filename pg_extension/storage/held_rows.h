#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "storage/held_changes.h"
#include "storage/row_memory.h"

namespace brigade {

// What a storage commit may meet of tables that are being copied, or are to be.
struct ExpectedCopies {
  using Table = std::array<char, 4>;  // as TruncateChange has it
  // Changes to rows of these definitions may meet states that storage does not hold yet.
  std::set<int32_t> definitions;
  // Of these, brigade.held_row says where rows are that nothing was said of since the copy began.
  // Of tables of which it is still being gathered it says a part of the truth: nobody asks it.
  std::set<std::pair<int32_t, Table>> started;
};

// Reads and writes brigade.held_row for one storage transaction: what definitions held of a table
// when it began to be copied (gathered_rows.h fills it before), less what the copy or the stream
// has since said anew. What is left when the copy ends is gone from the table.
class HeldRows {
 public:
  using Key = RowMemory::Key;
  // Stands for a row that makes lookup entries.
  static constexpr int64_t lookup_bucket = 0;

  // The rows of the table that are held; nothing if they are more than `count_max`, or hard to
  // find.
  static std::optional<SubkeySet> subkeys(const TruncateChange& table, size_t count_max);

  void load(const std::vector<Key>& keys);
  // REQUIRES: loaded.
  const std::vector<HeldRow>& rows(const Key& key) const;
  void forget(const Key& key);
  void forget_table(const TruncateChange& table);
  // Writes what was forgotten.
  void flush();

  struct Unseen {
    Key key;
    HeldRow row;
  };
  // Takes some of what is left of a table, from `next` on, and says where to go on; nothing if that
  // was all. REQUIRES: flushed.
  static std::vector<Unseen> take_unseen(const TruncateChange& table, int64_t count,
                                         std::optional<Subkey>& next);

 private:
  std::map<Key, std::vector<HeldRow>> rows_;
  std::vector<Key> forgotten_;
};

}  // namespace brigade
