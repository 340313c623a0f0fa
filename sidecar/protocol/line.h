#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/types.h"

namespace brigade::sidecar {

/// How a stream's lines are written. `raw`: row data as JSON text in a string; `nested`: as object.
enum class LineFormat : uint8_t { ndjson_raw, ndjson_nested, bson };
constexpr size_t line_format_count = 3;

/// Immutable bytes that any number of sessions may be sending.
using SharedBytes = std::shared_ptr<const std::string>;

struct BucketDescription {
  std::string_view name;
  BucketState state;
  uint8_t priority;
  const std::vector<Reason>& reasons;
};

struct CheckpointHead {
  int64_t last_op_id = 0;
  std::optional<int64_t> write_checkpoint;
};

std::string encode_checkpoint(LineFormat format, const CheckpointHead& head,
                              const std::vector<BucketDescription>& buckets,
                              const std::vector<StreamDescription>& streams);
std::string encode_checkpoint_diff(LineFormat format, const CheckpointHead& head,
                                   const std::vector<std::string>& removed,
                                   const std::vector<BucketDescription>& updated);
std::string encode_complete(LineFormat format, int64_t last_op_id);
std::string encode_partial_complete(LineFormat format, int64_t last_op_id, int priority);
std::string encode_token_expires_in(LineFormat format, int64_t seconds);

/// A data line: operations of one bucket, in order.
struct DataLine {
  std::string_view bucket;
  int64_t after = 0;
  int64_t next_after = 0;
  bool has_more = false;
};
std::string encode_data(LineFormat format, const DataLine& line,
                        const std::vector<Operation>& operations);

}  // namespace brigade::sidecar
