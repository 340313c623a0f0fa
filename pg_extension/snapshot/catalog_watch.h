#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "decoding/active_plan.h"
#include "decoding/change_message.h"
#include "snapshot/table_copy.h"

namespace brigade {

struct CatalogChanges {
  // What definitions hold of tables that no longer show it to them: to be removed.
  std::vector<TruncateChange> gone;
  // Tables that no definition reads any more, by how the subkeys of their rows begin.
  std::vector<std::array<char, 4>> unread;
  bool queue_changed = false;  // of tables to copy
};

// The source tables at one moment, beside what brigade.followed_table says they were.
// REQUIRES throughout: an open transaction, which need not be the same.
class CatalogLook {
 public:
  explicit CatalogLook(const ActivePlans& plans);
  CatalogLook(CatalogLook&&) noexcept;
  ~CatalogLook();

  bool found_changes() const;
  // Brings brigade.followed_table up to date. A table whose rows may mean something else now (it is
  // new to a definition, was renamed or rewritten, its columns or its replica identity changed) is
  // put into the queue of tables to copy. What is to be removed is told; all that the stream
  // says of it from before the look must have been stored by then.
  // `since`: what was stored when the catalog was known last, or the plans were loaded. What
  // buckets hold of a table that is new to a definition was stored after it.
  CatalogChanges carry_out(const StoredUntil& since) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

// Puts every table that is followed into the queue, and nothing else. REQUIRES: as above.
void enqueue_all(const std::string& reason);

}  // namespace brigade
