#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <memory_resource>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "decoding/change_message.h"

namespace brigade {

// What one definition last made of one source row, remembered for rows whose old state the WAL does
// not hold. Views of what lies in a message, or is kept by RowMemory.
struct Membership {
  std::string_view object_type;
  std::string_view object_id;
  std::span<const int64_t> buckets;  // ascending

  bool operator==(const Membership& other) const;
};

using LookupEntries = std::set<std::pair<std::string, std::string>>;  // key, value

// Of one commit more lookup keys are not told apart: every session is resolved again.
inline constexpr size_t dependencies_max = 100000;

// The lowest and highest subkey of a table's rows.
std::pair<Subkey, Subkey> subkey_range(const std::array<char, 4>& table);

// Reads and writes brigade.row_membership and brigade.lookup for one storage transaction. Only what
// differs from the tables is written.
class RowMemory {
 public:
  struct Key {
    int32_t definition;
    Subkey subkey;
    bool operator==(const Key&) const = default;
    // As the tables' indexes have it.
    std::strong_ordering operator<=>(const Key& other) const;
  };

  RowMemory();

  // Reads what the tables hold for the rows. Rows already read stay.
  void load_memberships(const std::vector<Key>& keys);
  void load_lookups(const std::vector<Key>& keys);
  // Says what the tables hold for a row, when the WAL told it.
  void assume_lookups(const Key& key, LookupEntries entries);

  // Empty if the row is in no bucket. REQUIRES: loaded.
  Membership membership(const Key& key) const;
  // Of a row that was not loaded it is believed that none is stored. REQUIRES: what the membership
  // shows stays until flush().
  void set_membership(const Key& key, const Membership& membership);
  const LookupEntries& lookups(const Key& key) const;
  void set_lookups(const Key& key, LookupEntries entries);

  // A copy that stays until flush().
  std::span<const int64_t> keep(std::span<const int64_t> buckets);

  // Writes the differences and adds the hashes of lookup keys whose values changed.
  void flush(std::set<int64_t>& dependencies);

  // Forgets all rows of a table, here and in the tables (TRUNCATE). Adds dependencies_max + 1
  // hashes at most. REQUIRES: flushed.
  void forget_table(const TruncateChange& truncate, std::set<int64_t>& dependencies);

 private:
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  struct Row {
    Membership stored;  // what the table holds
    Membership current;
  };
  struct LookupRow {
    LookupEntries stored;
    LookupEntries current;
  };
  struct Entry {
    Key key;
    Membership membership;
  };
  // Lives until flush().
  struct Batch {
    std::pmr::monotonic_buffer_resource memory;
    std::pmr::unordered_map<Key, Row, KeyHash> loaded{&memory};
    std::vector<Entry> added;  // of rows not loaded
  };

  std::string_view keep(std::string_view text);
  static void sort(std::vector<Entry>& entries);
  void flush_memberships();
  static void delete_memberships(std::span<const Entry> gone);
  static void put_memberships(std::span<const Entry> changed);
  static void insert_memberships(std::span<const Entry> added);
  void flush_lookups(std::set<int64_t>& dependencies);

  std::unique_ptr<Batch> batch_;
  std::map<Key, LookupRow> lookup_rows_;
};

}  // namespace brigade
