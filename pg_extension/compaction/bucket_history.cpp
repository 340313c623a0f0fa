#include "compaction/bucket_history.h"

#include <random>

#include "pg/spi.h"

namespace brigade {

namespace {

uint64_t process_seed() {
  static const uint64_t seed = (uint64_t{std::random_device()()} << 32) | std::random_device()();
  return seed;
}

HistoryEntry read_entry(const pg::Rows& rows, size_t row) {
  HistoryEntry entry;
  entry.op_id = rows.bigint(row, 0);
  entry.kind = static_cast<char>(rows.integer(row, 1));
  entry.checksum = static_cast<uint32_t>(rows.bigint(row, 2));
  if (!rows.is_null(row, 3)) entry.target_op_id = rows.bigint(row, 3);
  if (entry.kind == 'P' || entry.kind == 'R') {
    entry.row = row_key(process_seed(), rows.bytes(row, 4), rows.bytes(row, 5), rows.uuid(row, 6));
  }
  if (!rows.is_null(row, 7)) entry.data_bytes = rows.integer(row, 7);
  return entry;
}

void apply_moves(int64_t bucket, const Edits& edits) {
  if (edits.moved.empty()) return;
  pg::execute(
      "UPDATE brigade.bucket_op o SET op = 'M', target_op_id = moved.target, subkey = NULL,"
      " object_type = NULL, object_id = NULL, data = NULL"
      " FROM unnest($2, $3) AS moved (op_id, target)"
      " WHERE o.bucket = $1 AND o.op_id = moved.op_id",
      pg::Parameters().add(bucket).add(edits.moved).add(edits.moved_targets));
}

void apply_clear(int64_t bucket, const ClearEdit& clear) {
  pg::execute("DELETE FROM brigade.bucket_op WHERE bucket = $1 AND op_id < $2",
              pg::Parameters().add(bucket).add(clear.op_id));
  pg::execute(
      "UPDATE brigade.bucket_op SET op = 'C', checksum = $3, target_op_id = nullif($4, 0),"
      " subkey = NULL, object_type = NULL, object_id = NULL, data = NULL"
      " WHERE bucket = $1 AND op_id = $2",
      pg::Parameters()
          .add(bucket)
          .add(clear.op_id)
          .add(int64_t{clear.checksum})
          .add(clear.target_op_id));
}

}  // namespace

std::vector<HistoryEntry> read_history(int64_t bucket, int64_t after, int64_t until,
                                       int64_t limit) {
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT op_id, ascii(op::text), checksum, target_op_id, object_type, object_id, subkey,"
      " octet_length(data) FROM brigade.bucket_op"
      " WHERE bucket = $1 AND op_id > $2 AND op_id <= $3 ORDER BY op_id LIMIT $4",
      pg::Parameters().add(bucket).add(after).add(until).add(limit));
  std::vector<HistoryEntry> entries;
  entries.reserve(rows.size());
  for (size_t row = 0; row < rows.size(); row++) entries.push_back(read_entry(rows, row));
  return entries;
}

void apply_edits(int64_t bucket, const Edits& edits) {
  const pg::SqlScope sql;
  apply_moves(bucket, edits);
  if (edits.clear) apply_clear(bucket, *edits.clear);
}

void subtract_from_count(int64_t bucket, int64_t deleted) {
  const pg::SqlScope sql;
  pg::execute("UPDATE brigade.bucket SET operation_count = operation_count - $2 WHERE id = $1",
              pg::Parameters().add(bucket).add(deleted));
}

}  // namespace brigade
