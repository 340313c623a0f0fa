#pragma once

#include <string>
#include <vector>

#include "decoding/active_plan.h"
#include "decoding/change_message.h"

namespace brigade {

struct CatalogChanges {
  // What definitions hold of tables that no longer show it to them: to be removed.
  std::vector<TruncateChange> gone;
  bool queue_changed = false;  // of tables to copy
};

// Compares the source tables with what brigade.followed_table says they were, and brings it up to
// date. A table whose rows may mean something else now (it is new to a definition, was renamed or
// rewritten, its columns or its replica identity changed) is put into the queue of tables to copy.
// REQUIRES: an open transaction.
CatalogChanges follow_catalog(const ActivePlans& plans);

// Puts every table that is followed into the queue, and nothing else. REQUIRES: as above.
void enqueue_all(const std::string& reason);

}  // namespace brigade
