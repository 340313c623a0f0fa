#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "decoding/change_message.h"
#include "pg/index_lookup.h"

namespace brigade {

// Reads the rows of a storage table that are of one source table and of some definitions, by their
// subkeys. REQUIRES: as pg::IndexLookup.
class SubkeyScan {
 public:
  // A storage table whose first column is the definition, and an index that begins with the subkey.
  struct Source {
    const char* table;
    const char* index;
  };
  static constexpr Source held_row{"held_row", "held_row_subkey"};
  static constexpr Source membership{"row_membership", "row_membership_pkey"};
  static constexpr Source lookup{"lookup", "lookup_row"};

  // From `from` on, or from the table's first row on.
  SubkeyScan(const Source& source, const TruncateChange& table, const Subkey& from);
  SubkeyScan(const Source& source, const TruncateChange& table);

  // False after the source table's last row. Comes to rows of other definitions, too, and to
  // entries of rows that are gone, so that it returns soon.
  bool next_entry();
  bool is_wanted() const;

  int32_t definition() const { return rows_.integer(0); }
  Subkey subkey() const;
  const pg::IndexLookup& columns() const { return rows_; }
  void remove() { rows_.remove(); }

 private:
  const TruncateChange& table_;
  pg::IndexLookup rows_;
};

// Visits `count` rows from `from` on, fewer if they lie far apart in the index, and all that have
// the subkey of the last. Says where the next part begins; nothing if there is none.
std::optional<Subkey> visit_part(const SubkeyScan::Source& source, const TruncateChange& table,
                                 const Subkey& from, int64_t count,
                                 const std::function<void(SubkeyScan&)>& visit);

// The lowest subkey of a table's rows.
Subkey first_subkey(const TruncateChange& table);

}  // namespace brigade
