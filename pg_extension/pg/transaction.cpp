#include "pg/transaction.h"

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "access/xact.h"
#include "executor/spi.h"
#include "utils/snapmgr.h"
}

namespace brigade::pg {

Transaction::Transaction() {
  guard([] {
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    SPI_connect();
    PushActiveSnapshot(GetTransactionSnapshot());
  });
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
