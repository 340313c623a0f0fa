#include "pg/transaction.h"

#include <exception>

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "access/transam.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "pgstat.h"
#include "utils/snapmgr.h"
}

namespace brigade::pg {

namespace {

void prepare_for_sql() {
  SPI_connect();
  PushActiveSnapshot(GetTransactionSnapshot());
}

}  // namespace

Transaction::Transaction() {
  guard([] {
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    prepare_for_sql();
  });
}

Transaction Transaction::adopt() { return Transaction(Adopted{}); }

Transaction::Transaction(Adopted) {
  guard([] { prepare_for_sql(); });
}

void Transaction::commit() {
  guard([] {
    SPI_finish();
    PopActiveSnapshot();
    CommitTransactionCommand();
    // Backends report when they are idle, which a background process never is: autovacuum would
    // not hear of the rows it leaves dead. At most once a second, Postgres sees to that.
    pgstat_report_stat(false);
  });
  open_ = false;
}

SnapshotWithOwnWrites::SnapshotWithOwnWrites() : exceptions_(std::uncaught_exceptions()) {
  guard([] {
    CommandCounterIncrement();
    PushCopiedSnapshot(GetActiveSnapshot());
    UpdateActiveSnapshotCommandId();
  });
}

SnapshotWithOwnWrites::~SnapshotWithOwnWrites() {
  // After an ERROR the transaction's abort drops it.
  if (std::uncaught_exceptions() == exceptions_) PopActiveSnapshot();
}

namespace {

bool any_committed(const Snapshot snapshot) {
  for (uint32 i = 0; i < snapshot->xcnt; i++) {
    if (TransactionIdDidCommit(snapshot->xip[i])) return true;
  }
  const TransactionId end = ReadNextTransactionId();
  TransactionId id = snapshot->xmax;
  while (id != end) {
    if (TransactionIdDidCommit(id)) return true;
    TransactionIdAdvance(id);
  }
  return false;
}

}  // namespace

bool active_snapshot_is_settled(const std::vector<uint32_t>& decoded) {
  const uint32_t* ids = decoded.data();
  const size_t count = decoded.size();
  return guard([&] {
    const Snapshot snapshot = GetActiveSnapshot();
    for (size_t i = 0; i < count; i++) {
      if (XidInMVCCSnapshot(ids[i], snapshot)) return false;
    }
    return !any_committed(snapshot);
  });
}

Transaction::~Transaction() {
  // AbortCurrentTransaction raises only when the abort itself is broken, which nothing survives.
  if (open_) AbortCurrentTransaction();
}

}  // namespace brigade::pg
