#pragma once

#include <cstdint>

#include "protocol/line.h"

namespace brigade::sidecar {

/// An encoded data line, shared by all sessions that asked for the same range and format.
struct DataBatch {
  SharedBytes line;  ///< null when the range holds no operation
  int64_t next_after = 0;
  bool has_more = false;
  uint32_t operation_count = 0;
  /// The newest operation that compaction merged one of these into; 0: none.
  int64_t target_op_id_max = 0;
  /// Operations that were announced are not there any more: a deploy dropped the bucket.
  bool is_lost = false;
};

}  // namespace brigade::sidecar
