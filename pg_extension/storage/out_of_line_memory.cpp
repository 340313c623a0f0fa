#include "storage/out_of_line_memory.h"

#include <utility>
#include <vector>

#include "pg/spi.h"

namespace brigade {

// Most databases have no such rows: then nothing is asked for each of them. Known for this
// transaction only.
bool OutOfLineMemory::table_is_empty() {
  if (!empty_) {
    const pg::SqlScope sql;
    empty_ = !pg::execute("SELECT EXISTS (SELECT FROM brigade.out_of_line_value)").boolean(0, 0);
  }
  return *empty_;
}

OutOfLineMemory::Row& OutOfLineMemory::row_of(const Subkey& subkey) {
  const auto [entry, added] = rows_.try_emplace(subkey);
  Row& row = entry->second;
  if (!added || table_is_empty()) return row;
  const pg::SqlScope sql;
  const std::vector<std::string_view> key = {view(subkey)};
  const pg::Rows found = pg::execute(
      "SELECT attribute::integer, value FROM brigade.out_of_line_value WHERE subkey = ($1)[1]",
      pg::Parameters().add_uuids(key));
  for (size_t i = 0; i < found.size(); i++) {
    row.values.emplace(static_cast<int16_t>(found.integer(i, 0)), found.bytes(i, 1));
  }
  row.stored = !found.empty();
  return row;
}

void OutOfLineMemory::apply(const OutOfLineChange& change) {
  if (change.deleted) return forget(change.before);
  if (change.before != change.after) move(change.before, change.after);
  if (change.entries.empty()) return;
  Row& row = row_of(change.after);
  for (const OutOfLineChange::Entry& entry : change.entries) {
    row.values.insert_or_assign(entry.attribute, entry.value);
  }
  row.changed = true;
}

void OutOfLineMemory::forget(const Subkey& subkey) {
  if (rows_.empty() && table_is_empty()) return;
  Row& row = row_of(subkey);
  row.changed = row.changed || !row.values.empty();
  row.values.clear();
}

void OutOfLineMemory::move(const Subkey& from, const Subkey& to) {
  if (rows_.empty() && table_is_empty()) return;
  KeptValues values = row_of(from).values;
  if (values.empty()) return;
  forget(from);
  Row& row = row_of(to);
  row.values = std::move(values);
  row.changed = true;
}

void OutOfLineMemory::flush() {
  std::vector<std::string_view> replaced;
  std::vector<std::string_view> subkeys;
  std::vector<int32_t> attributes;
  std::vector<std::string_view> values;
  for (const auto& [subkey, row] : rows_) {
    if (!row.changed) continue;
    if (row.stored) replaced.push_back(view(subkey));
    for (const KeptValues::value_type& entry : row.values) {
      subkeys.push_back(view(subkey));
      attributes.push_back(entry.first);
      values.push_back(entry.second);
    }
  }
  const pg::SqlScope sql;
  if (!replaced.empty()) {
    pg::execute("DELETE FROM brigade.out_of_line_value WHERE subkey = ANY ($1)",
                pg::Parameters().add_uuids(replaced));
  }
  if (!subkeys.empty()) {
    pg::execute("INSERT INTO brigade.out_of_line_value SELECT * FROM unnest($1, $2, $3)",
                pg::Parameters().add_uuids(subkeys).add(attributes).add_blobs(values));
  }
  rows_.clear();
  empty_.reset();
}

void OutOfLineMemory::forget_between(const Subkey& low, const Subkey& high) {
  flush();
  const std::vector<std::string_view> range = {view(low), view(high)};
  const pg::SqlScope sql;
  pg::execute("DELETE FROM brigade.out_of_line_value WHERE subkey BETWEEN ($1)[1] AND ($1)[2]",
              pg::Parameters().add_uuids(range));
}

}  // namespace brigade
