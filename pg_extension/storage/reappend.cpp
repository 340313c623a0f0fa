#include "storage/reappend.h"

#include "pg/spi.h"

namespace brigade {

namespace {

constexpr int64_t newer_operations_max = 5000;

// The bucket was dropped, or written so much that compaction should look again.
bool is_outdated(const ReappendRequest& request) {
  const pg::Rows rows = pg::execute(
      "SELECT (SELECT count(*) FROM (SELECT FROM brigade.bucket_op"
      "  WHERE bucket = $1 AND op_id > $2 LIMIT $3) newer),"
      " EXISTS (SELECT FROM brigade.bucket b JOIN brigade.definition d ON d.id = b.definition"
      "  WHERE b.id = $1 AND d.state <> 'dropping')",
      pg::Parameters()
          .add(request.bucket)
          .add(request.through_op_id)
          .add(newer_operations_max + 1));
  return rows.bigint(0, 0) > newer_operations_max || !rows.boolean(0, 1);
}

void reappend(const ReappendRequest& request, StorageCommit& commit) {
  const pg::Rows rows = pg::execute(
      "SELECT subkey, object_type, object_id, data FROM brigade.bucket_op"
      " WHERE bucket = $1 AND op_id = ANY ($3) AND op = 'P'"
      " AND (subkey, object_type, object_id) NOT IN ("
      "  SELECT subkey, object_type, object_id FROM brigade.bucket_op"
      "  WHERE bucket = $1 AND op_id > $2 AND op IN ('P', 'R'))"
      " ORDER BY op_id",
      pg::Parameters().add(request.bucket).add(request.through_op_id).add(request.op_ids));
  for (size_t row = 0; row < rows.size(); row++) {
    commit.append_again(request.bucket, rows.uuid(row, 0), rows.bytes(row, 1), rows.bytes(row, 2),
                        rows.bytes(row, 3));
  }
}

}  // namespace

std::optional<ReappendRequest> find_reappend_request() {
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT id, bucket, through_op_id, op_ids FROM brigade.reappend_request"
      " ORDER BY id LIMIT 1");
  if (rows.empty()) return std::nullopt;
  return ReappendRequest{rows.bigint(0, 0), rows.bigint(0, 1), rows.bigint(0, 2),
                         rows.bigints(0, 3)};
}

void carry_out(const ReappendRequest& request, StorageCommit& commit) {
  const pg::SqlScope sql;
  if (!is_outdated(request)) reappend(request, commit);
  pg::execute("DELETE FROM brigade.reappend_request WHERE id = $1",
              pg::Parameters().add(request.id));
}

}  // namespace brigade
