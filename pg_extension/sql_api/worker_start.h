#pragma once

namespace brigade {

// Makes sure this database's worker runs, and wakes it when this transaction commits.
// True: it was started by this call. REQUIRES: SPI.
bool start_worker();

}  // namespace brigade
