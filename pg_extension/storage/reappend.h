#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/storage_commit.h"

// Rows that compaction wants appended again, so that the history before them can be cleared. Only
// the writer appends. REQUIRES throughout: an open transaction with SPI.
namespace brigade {

struct ReappendRequest {
  int64_t id;
  int64_t bucket;
  int64_t through_op_id;  // as of here, the operations are their rows' newest
  std::vector<int64_t> op_ids;
};

std::optional<ReappendRequest> find_reappend_request();

// Appends what is still its row's newest operation, and deletes the request.
void carry_out(const ReappendRequest& request, StorageCommit& commit);

}  // namespace brigade
