#pragma once

namespace brigade::pg {

// A transaction of a background worker, with an active snapshot and an SPI connection: rolled back
// unless commit() is called.
class Transaction {
 public:
  Transaction();
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Returns when the commit is durable (synchronous_commit permitting).
  void commit();

 private:
  bool open_ = true;
};

}  // namespace brigade::pg
