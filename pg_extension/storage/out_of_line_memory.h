#pragma once

#include <map>
#include <optional>
#include <string>

#include "decoding/change_message.h"
#include "decoding/row_completer.h"

namespace brigade {

// Reads and writes brigade.out_of_line_value for one storage transaction. Rows are named by their
// subkeys.
class OutOfLineMemory {
 public:
  void apply(const OutOfLineChange& change);
  void forget(const Subkey& row);
  const KeptValues& values(const Subkey& row) { return row_of(row).values; }

  // Writes what changed.
  void flush();
  // Forgets the rows between two subkeys, both included.
  void forget_between(const Subkey& low, const Subkey& high);

 private:
  struct Row {
    KeptValues values;
    bool stored = false;  // the table has values of it
    bool changed = false;
  };

  void move(const Subkey& from, const Subkey& to);
  Row& row_of(const Subkey& subkey);
  bool table_is_empty();

  std::map<Subkey, Row> rows_;
  std::optional<bool> empty_;  // whether the table is; not known yet if absent
};

}  // namespace brigade
