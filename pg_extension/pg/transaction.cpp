#include "pg/transaction.h"

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "access/xact.h"
#include "executor/spi.h"
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
  });
  open_ = false;
}

Transaction::~Transaction() {
  // AbortCurrentTransaction raises only when the abort itself is broken, which nothing survives.
  if (open_) AbortCurrentTransaction();
}

}  // namespace brigade::pg
