#include "storage/subkey_scan.h"

#include <algorithm>
#include <cstring>

namespace brigade {

namespace {

// That are passed over in the time that one takes that matters.
constexpr int64_t entries_for_a_row = 10;

}  // namespace

Subkey first_subkey(const TruncateChange& table) {
  Subkey subkey{};
  std::ranges::copy(table.table, subkey.begin());
  return subkey;
}

SubkeyScan::SubkeyScan(const Source& source, const TruncateChange& table, const Subkey& from)
    : table_(table), rows_(source.table, source.index, 1, pg::IndexLookup::LastColumn::at_least) {
  rows_.start({view(from)});
}

SubkeyScan::SubkeyScan(const Source& source, const TruncateChange& table)
    : SubkeyScan(source, table, first_subkey(table)) {}

Subkey SubkeyScan::subkey() const {
  Subkey subkey;
  std::memcpy(subkey.data(), rows_.entry_key().data(), subkey.size());
  return subkey;
}

bool SubkeyScan::next_entry() { return rows_.next_entry() && table_of(subkey()) == table_.table; }

bool SubkeyScan::is_wanted() const {
  if (!rows_.entry_has_row()) return false;
  return std::ranges::find(table_.definitions, definition()) != table_.definitions.end();
}

std::optional<Subkey> visit_part(const SubkeyScan::Source& source, const TruncateChange& table,
                                 const Subkey& from, int64_t count,
                                 const std::function<void(SubkeyScan&)>& visit) {
  SubkeyScan rows(source, table, from);
  Subkey last{};
  int64_t visited = 0;
  for (int64_t passed = 0; rows.next_entry(); passed++) {
    const Subkey subkey = rows.subkey();
    const bool enough = visited >= count || passed >= entries_for_a_row * count;
    if (enough && subkey != last) return subkey;
    last = subkey;
    if (!rows.is_wanted()) continue;
    visit(rows);
    visited++;
  }
  return std::nullopt;
}

}  // namespace brigade
