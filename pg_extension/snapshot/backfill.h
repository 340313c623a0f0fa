#pragma once

#include <cstdint>
#include <vector>

#include "decoding/active_plan.h"
#include "storage/storage_commit.h"

namespace brigade {

// Copies what the source tables hold under the active snapshot into the definitions of `plan` that
// are in `staging`. REQUIRES: the transaction of begin_snapshot_transaction().
void backfill(const std::shared_ptr<const ActivePlan>& plan, const std::vector<int32_t>& staging,
              StorageCommit& commit);

}  // namespace brigade
