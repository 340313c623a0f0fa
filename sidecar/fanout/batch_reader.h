#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "fanout/data_batch.h"
#include "storage/storage.h"

namespace brigade::sidecar {

/// Reads and encodes every range of operations once for all sessions that want it: those that ask
/// while it is read wait for the one read, those that come shortly after get the kept bytes.
class BatchReader {
 public:
  using Callback = std::function<void(const Result<DataBatch, StorageError>&)>;

  /// `kept_bytes_max`: memory for encoded batches that nobody may want again.
  BatchReader(Storage& storage, size_t kept_bytes_max)
      : storage_(storage), kept_bytes_max_(kept_bytes_max) {}
  BatchReader(const BatchReader&) = delete;
  BatchReader& operator=(const BatchReader&) = delete;

  /// The batch if it is kept; else null, and `done` is called from the event loop.
  /// The answer is valid until the next call.
  const DataBatch* read(const OperationRange& range, const std::string& bucket_name,
                        LineFormat format, Callback done);
  /// A range that will be read soon.
  struct Expected {
    OperationRange range;
    const std::string* bucket_name;
  };
  /// Reads those that are not held in one go, so that the `read`s that follow need not ask one by
  /// one. In the order in which they will be read: what is too much for one go comes last, and is
  /// not held then.
  void expect(const std::vector<Expected>& expected, LineFormat format);
  /// Whether a range is kept, or on its way.
  bool holds(const OperationRange& range, LineFormat format) const;
  /// Forgets what is kept: bucket ids may mean something else from now on.
  void clear();

  size_t kept_bytes() const { return kept_bytes_; }
  uint64_t read_count() const { return read_count_; }

 private:
  struct Waiter {
    LineFormat format;
    Callback done;
  };
  /// What a waiter is about to be told.
  struct Ready {
    Callback done;
    Result<DataBatch, StorageError> batch;
  };
  struct Entry {
    OperationRange range;
    std::string bucket_name;
    bool loading = false;
    uint8_t wanted_formats = 0;  ///< bit per LineFormat
    uint8_t encoded_formats = 0;
    std::vector<Waiter> waiters;
    std::array<DataBatch, line_format_count> batches;
    size_t bytes = 0;
  };
  struct RangeHash {
    size_t operator()(const OperationRange& range) const;
  };
  using Entries = std::list<Entry>;

  Entry& use(const OperationRange& range, const std::string& bucket_name);
  static bool must_fetch(Entry& entry, uint8_t formats);
  void read_ahead(const Entry& entry, const DataBatch& batch, uint8_t formats);
  void fetch(std::vector<OperationRange> ranges);
  void on_answer(const std::vector<OperationRange>& ranges,
                 Result<std::vector<OperationRows>, StorageError> answer);
  void on_not_read(const OperationRange& range);
  void on_failure(const OperationRange& range, const StorageError& error,
                  std::vector<Ready>& ready);
  void on_rows(const OperationRange& range, const OperationRows& rows, std::vector<Ready>& ready);
  void encode(Entry& entry, const OperationRows& rows);
  void forget(Entry& entry);
  void forget_oldest();

  Storage& storage_;
  size_t kept_bytes_max_;
  size_t kept_bytes_ = 0;
  uint64_t read_count_ = 0;
  Entries entries_;  ///< most recently used first
  std::unordered_map<OperationRange, Entries::iterator, RangeHash> by_range_;
};

}  // namespace brigade::sidecar
