#pragma once

namespace brigade::pg {

// A transaction of a background worker, with an active snapshot and an SPI connection: rolled back
// unless commit() is called.
class Transaction {
 public:
  Transaction();
  // Takes over the transaction that begin_snapshot_transaction() left open.
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

}  // namespace brigade::pg
