#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "decoding/change_message.h"

namespace brigade {

// What one definition last made of one source row, remembered for rows whose old state the WAL does
// not hold.
struct Membership {
  std::string object_type;
  std::string object_id;
  std::vector<int64_t> buckets;  // ascending

  bool operator==(const Membership&) const = default;
};

using LookupEntries = std::set<std::pair<std::string, std::string>>;  // key, value

// The lowest and highest subkey of a table's rows.
std::pair<Subkey, Subkey> subkey_range(const std::array<char, 4>& table);

// Reads and writes brigade.row_membership and brigade.lookup for one storage transaction. Only what
// differs from the tables is written.
class RowMemory {
 public:
  struct Key {
    int32_t definition;
    Subkey subkey;
    auto operator<=>(const Key&) const = default;
  };

  // Reads what the tables hold for the rows, in two statements. Rows already read stay.
  void load(const std::vector<Key>& keys);
  // Says what the tables hold for a row, when the WAL told it.
  void assume_lookups(const Key& key, LookupEntries entries);

  // Empty if the row is in no bucket. REQUIRES: loaded or set.
  Membership membership(const Key& key) const;
  void set_membership(const Key& key, Membership membership);
  const LookupEntries& lookups(const Key& key);
  void set_lookups(const Key& key, LookupEntries entries);

  // Writes the differences and adds the hashes of lookup keys whose values changed.
  void flush(std::set<int64_t>& dependencies);

  // Forgets all rows of a table, here and in the tables (TRUNCATE). REQUIRES: flushed.
  void forget_table(const TruncateChange& truncate, std::set<int64_t>& dependencies);

 private:
  struct Row {
    Membership stored_membership;
    Membership membership;
    LookupEntries stored_lookups;
    LookupEntries lookups;
    bool known = false;  // stored_* are what the tables hold
  };

  void load_memberships(const std::vector<Key>& keys);
  void load_lookups(const std::vector<Key>& keys);
  using Entry = std::pair<const Key, Row>;

  void flush_memberships();
  void delete_memberships(const std::vector<const Entry*>& gone);
  void put_memberships(const std::vector<const Entry*>& changed);
  void insert_memberships(const std::vector<const Entry*>& added);
  void flush_lookups(std::set<int64_t>& dependencies);

  std::map<Key, Row> rows_;
};

}  // namespace brigade
