#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "result.h"
#include "storage/types.h"

namespace brigade::sidecar {

struct StorageError {
  std::string sqlstate;  ///< empty: the database could not be reached
  std::string message;
  std::string detail;
  /// The database went away, or refuses for now: the same call may succeed soon.
  bool transient = false;
};

template <class T>
using StorageCallback = std::function<void(Result<T, StorageError>)>;

/// What sessions and endpoints read from and write to the database; the functions are those of
/// docs/sidecar-interface.md. Callbacks come later, from the event loop, exactly once.
class Storage {
 public:
  virtual ~Storage() = default;

  virtual void resolve(std::string request_json, StorageCallback<Resolution> done) = 0;
  /// The first operations of the range: at most `operations_per_batch_max`, and no more than the
  /// first whose data passes `batch_bytes_max`.
  virtual void read_operations(const OperationRange& range,
                               StorageCallback<OperationRows> done) = 0;
  /// `read_operations` of several ranges in one go, whose data together are bounded in the same
  /// way: what came first was read, the rest was not. The answers are in their order.
  virtual void read_ranges(const std::vector<OperationRange>& ranges,
                           StorageCallback<std::vector<OperationRows>> done) = 0;
  virtual void create_write_checkpoint(const std::string& user_id, const std::string& client_id,
                                       StorageCallback<int64_t> done) = 0;
  virtual void request_checkpoint(const std::string& user_id, const std::string& client_id,
                                  int64_t request_id, StorageCallback<int64_t> done) = 0;
};

constexpr int operations_per_batch_max = 1000;
constexpr int64_t batch_bytes_max = 1 << 20;

}  // namespace brigade::sidecar
