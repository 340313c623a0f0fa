#include "compaction/pacer.h"

#include "pg/background_worker.h"
#include "pg/settings.h"

namespace brigade {

void Pacer::pause_after(int64_t operations) {
  pg::handle_worker_interrupts();
  const int64_t rate = pg::settings().compaction_rate;
  if (!limited_ || rate == 0) return;
  pg::pause_worker(static_cast<long>(operations * 1000 / rate));
  pg::handle_worker_interrupts();
}

}  // namespace brigade
