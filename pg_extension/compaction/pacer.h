#pragma once

#include <cstdint>

namespace brigade {

// Keeps compaction within the set rate, and lets it end between two transactions.
class Pacer {
 public:
  // `limited`: by pg_brigade.compaction_rate.
  explicit Pacer(bool limited) : limited_(limited) {}

  // Called after every transaction that examined `operations`; waits as long as they should have
  // taken. REQUIRES: no transaction.
  void pause_after(int64_t operations);

 private:
  bool limited_;
};

}  // namespace brigade
