#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/row_memory.h"

namespace brigade {

// A row as one bucket held it when its table began to be copied.
struct HeldRow {
  int64_t bucket;
  uint32_t checksum;  // of the put
  std::string object_type;
  std::string object_id;
};

// Reads and writes brigade.held_row for one storage transaction: what definitions held of a table
// when it began to be copied, less what the copy or the stream has since said anew. What is left
// when the copy ends is gone from the table.
class HeldRows {
 public:
  using Key = RowMemory::Key;
  // Stands for a row that makes lookup entries.
  static constexpr int64_t lookup_bucket = 0;

  // Fills the table from the operations and lookups of definitions, for the rows of one table.
  // From here on it says where those rows are, in place of brigade.row_membership, which starts
  // anew.
  static void start(const TruncateChange& table);
  // The rows of the table that are held; nothing if they are more than `count_max`.
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
  using UseUnseen = std::function<void(const std::vector<Unseen>&)>;
  // Gives all that is left of a table to `use`, in parts, and forgets it. REQUIRES: flushed.
  void take_unseen(const TruncateChange& table, const UseUnseen& use);

 private:
  bool table_is_empty();

  std::map<Key, std::vector<HeldRow>> rows_;
  std::vector<Key> forgotten_;
  std::optional<bool> empty_;
};

}  // namespace brigade
