#pragma once

#include <cstdint>
#include <vector>

namespace brigade::pg {

// A transaction of a background worker, with an active snapshot and an SPI connection: rolled back
// unless commit() is called.
class Transaction {
 public:
  Transaction();
  // Takes over the transaction that create_slot_with_snapshot() left open.
  static Transaction adopt();
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Returns when the commit is durable (synchronous_commit permitting).
  void commit();

 private:
  struct Adopted {};
  explicit Transaction(Adopted);

  bool open_ = true;
};

// While it lives, the active snapshot is as it was, but sees what the transaction has written
// before.
class SnapshotWithOwnWrites {
 public:
  SnapshotWithOwnWrites();
  ~SnapshotWithOwnWrites();
  SnapshotWithOwnWrites(const SnapshotWithOwnWrites&) = delete;
  SnapshotWithOwnWrites& operator=(const SnapshotWithOwnWrites&) = delete;

 private:
  int exceptions_;
};

// A commit is in the WAL, and so decoded, a moment before others see what it wrote: with
// synchronous replication even a long moment. False if the active snapshot was taken in such a
// moment of any transaction, as far as the server knows, or of one in `decoded`, which are known to
// have committed.
bool active_snapshot_is_settled(const std::vector<uint32_t>& decoded);

}  // namespace brigade::pg
