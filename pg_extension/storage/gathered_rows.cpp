#include "storage/gathered_rows.h"

#include <cstring>
#include <utility>

#include "pg/bulk_insert.h"
#include "storage/held_rows.h"
#include "storage/subkey_scan.h"

namespace brigade {

namespace {

constexpr const char* by_bucket = "held_row_bucket";

class Insertion {
 public:
  void add(int32_t definition, const Subkey& subkey, const HeldRow& row) {
    table_.integer(definition).uuid(view(subkey)).bigint(row.bucket).bigint(row.checksum);
    table_.text(row.object_type).text(row.object_id).end_row();
  }
  void finish() { table_.finish(); }

 private:
  pg::BulkInsert table_{"brigade", "held_row", 6};
};

PartEnd remove_part(const SubkeyScan::Source& source, const TruncateChange& table,
                    const Subkey& from, int64_t count, int64_t& rows) {
  return visit_part(source, table, from, count, [&](SubkeyScan& row) {
    row.remove();
    rows++;
  });
}

bool is_same(const pg::IndexLookup& held, const HeldRow& row) {
  return held.text(4) == row.object_type && held.text(5) == row.object_id;
}

// Whether there was any.
bool forget_older(pg::IndexLookup& held, const HeldChanges::Change& change) {
  held.start({change.row.bucket, view(change.subkey)});
  while (held.next()) {
    if (!is_same(held, change.row)) continue;
    held.remove();
    return true;
  }
  return false;
}

}  // namespace

PartEnd forget_held_part(const TruncateChange& table, const Subkey& from, int64_t count,
                         int64_t& rows) {
  return remove_part(SubkeyScan::held_row, table, from, count, rows);
}

PartEnd forget_memberships_part(const TruncateChange& table, const Subkey& from, int64_t count,
                                int64_t& rows) {
  return remove_part(SubkeyScan::membership, table, from, count, rows);
}

PartEnd hold_lookups_part(const TruncateChange& table, const Subkey& from, int64_t count,
                          int64_t& rows) {
  Insertion insertion;
  std::optional<RowMemory::Key> last;  // a row's entries are neighbours
  const PartEnd end =
      visit_part(SubkeyScan::lookup, table, from, count, [&](const SubkeyScan& entry) {
        const RowMemory::Key key{entry.definition(), entry.subkey()};
        if (key == last) return;
        last = key;
        insertion.add(key.definition, key.subkey, {HeldRows::lookup_bucket, 0, {}, {}});
        rows++;
      });
  insertion.finish();
  return end;
}

bool has_buckets(int32_t definition) {
  pg::IndexLookup buckets("bucket", "bucket_definition", 1);
  buckets.start({int64_t{definition}});
  return buckets.next();
}

int64_t apply(const std::vector<HeldChanges::Change>& changes) {
  if (changes.empty()) return 0;
  int64_t more = 0;
  pg::IndexLookup held("held_row", by_bucket, 2);
  Insertion insertion;
  for (const HeldChanges::Change& change : changes) {
    if (change.held_before && forget_older(held, change)) more--;
    if (!change.held) continue;
    insertion.add(change.definition, change.subkey, change.row);
    more++;
  }
  insertion.finish();
  return more;
}

int64_t forget_in_bucket(const TruncateChange& table, int64_t bucket, int64_t count) {
  pg::IndexLookup held("held_row", by_bucket, 2, pg::IndexLookup::LastColumn::at_least);
  const Subkey first = first_subkey(table);
  held.start({bucket, view(first)});
  int64_t forgotten = 0;
  for (; forgotten < count && held.next(); forgotten++) {
    if (std::memcmp(held.uuid(1).data(), table.table.data(), table.table.size()) != 0) break;
    held.remove();
  }
  return forgotten;
}

}  // namespace brigade
