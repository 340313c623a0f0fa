#include "compaction/schedule.h"

#include "pg/spi.h"
#include "pg/transaction.h"

namespace brigade {

CheckpointPosition newest_checkpoint() {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute("SELECT commit_id, op_id FROM brigade.checkpoint");
  const CheckpointPosition position{rows.bigint(0, 0), rows.bigint(0, 1)};
  transaction.commit();
  return position;
}

std::vector<int64_t> all_buckets() {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute("SELECT id FROM brigade.bucket ORDER BY id");
  std::vector<int64_t> buckets;
  for (size_t row = 0; row < rows.size(); row++) buckets.push_back(rows.bigint(row, 0));
  transaction.commit();
  return buckets;
}

}  // namespace brigade
