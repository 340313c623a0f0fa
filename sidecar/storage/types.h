#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brigade::sidecar {

/// Why a bucket is wanted: default stream `index` of `streams`, or subscription `index` of the
/// client's request.
struct Reason {
  bool is_default;
  uint32_t index;
  bool operator==(const Reason&) const = default;
};

/// What storage holds of a bucket at one storage commit.
struct BucketState {
  int64_t last_op_id = 0;
  int64_t count = 0;
  int32_t checksum = 0;
  bool operator==(const BucketState&) const = default;
};

struct ResolvedBucket {
  std::optional<int64_t> id;  ///< empty for a bucket that holds nothing yet
  std::string name;
  BucketState state;
  uint8_t priority = 3;  ///< 0 (first) to 3
  std::vector<Reason> reasons;
};

struct StreamFailure {
  std::optional<uint32_t> subscription;  ///< empty: the default subscription
  std::string message;
  bool operator==(const StreamFailure&) const = default;
};

struct StreamDescription {
  std::string name;
  bool is_default = false;
  std::vector<StreamFailure> errors;
  bool operator==(const StreamDescription&) const = default;
};

/// The answer of `brigade.resolve`.
struct Resolution {
  int64_t commit = 0;
  int64_t op_id = 0;
  std::optional<int64_t> write_checkpoint;
  std::vector<ResolvedBucket> buckets;
  std::vector<StreamDescription> streams;
  std::vector<int64_t> dependencies;  ///< hashes of the lookup keys that were read
};

struct ChangedBucket {
  int64_t id = 0;
  std::optional<std::string> name;  ///< of a bucket that was created
  BucketState state;
};

struct AcknowledgedWriteCheckpoint {
  std::string user_id;
  std::string client_id;
  int64_t id = 0;
};

/// The answer of `brigade.changes`: everything that changed in the commits `(after, commit]`.
struct Changes {
  int64_t after = 0;
  int64_t commit = 0;
  int64_t op_id = 0;
  bool complete = true;  ///< false: the log does not reach back; nothing but the position is known
  bool config_changed = false;
  std::vector<ChangedBucket> buckets;
  std::vector<int64_t> dependencies;
  std::vector<AcknowledgedWriteCheckpoint> write_checkpoints;
};

enum class OperationKind : char { put = 'P', remove = 'R', move = 'M', clear = 'C' };

/// One operation of a bucket; the texts belong to the OperationRows that hold it.
struct Operation {
  int64_t op_id = 0;
  OperationKind kind = OperationKind::put;
  std::string_view object_type;
  std::string_view object_id;
  std::string_view subkey;
  uint32_t checksum = 0;
  std::optional<std::string_view> data;
  int64_t target_op_id = 0;  ///< 0: none
};

struct OperationRows {
  std::vector<Operation> operations;
  std::shared_ptr<const void> owner;  ///< keeps the texts alive
  /// Compaction put a CLEAR here, beyond the range, in the place of the range's operations; 0:
  /// none.
  int64_t cleared_until = 0;
};

/// The operations of one bucket in `(after, until]`.
struct OperationRange {
  int64_t bucket = 0;
  int64_t after = 0;
  int64_t until = 0;
  bool operator==(const OperationRange&) const = default;
};

}  // namespace brigade::sidecar
