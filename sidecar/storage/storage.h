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
  /// Operations of the ranges, in their order: at most `operations_per_read_max`, and none after
  /// the one whose data pass `read_bytes_max`. What came first was read: of the last range in the
  /// answer there may be more, and those after it are not there.
  virtual void read_operations(const std::vector<OperationRange>& ranges,
                               StorageCallback<std::vector<OperationRows>> done) = 0;
  virtual void create_write_checkpoint(const std::string& user_id, const std::string& client_id,
                                       StorageCallback<int64_t> done) = 0;
  virtual void request_checkpoint(const std::string& user_id, const std::string& client_id,
                                  int64_t request_id, StorageCallback<int64_t> done) = 0;
};

constexpr int operations_per_read_max = 1000;
constexpr int64_t read_bytes_max = 1 << 20;

}  // namespace brigade::sidecar
