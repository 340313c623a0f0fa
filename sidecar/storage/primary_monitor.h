#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "net/timer.h"
#include "storage/pool.h"

namespace brigade::sidecar {

/// What compaction has done in all, in operations, and what waits for it.
struct CompactionStatus {
  int64_t compactions = 0;  ///< of a bucket each
  int64_t examined = 0;
  int64_t moved = 0;
  int64_t deleted = 0;
  int64_t reappended = 0;
  int64_t buckets_due = 0;
  double behind_seconds = 0;  ///< for how long the first of them has been due
};

/// How replication on the primary stands, as `brigade.sidecar_status` answered last.
struct ReplicationStatus {
  std::string state;
  bool has_active_config = false;
  int64_t lag_bytes = 0;
  double lag_seconds = 0;
  double operations_per_second = 0;
  int64_t tables_to_copy = 0;
  int64_t row_errors = 0;
  int64_t operation_bytes = 0;
  int64_t lookup_bytes = 0;
  int64_t row_bytes = 0;
  CompactionStatus compaction;
};

/// Watches the primary. It makes sure that the worker runs, asks how replication stands, and shows
/// whether commits still pass through the worker into storage and from there to us: while nothing
/// else is committed, it commits a write checkpoint of its own now and then, and waits for any
/// storage commit to come back.
class PrimaryMonitor {
 public:
  PrimaryMonitor(uv_loop_t* loop, ConnectionPool& primary);

  void start();
  /// The primary can be reached, for the first time or again.
  void on_reached();
  /// A storage commit came through the change feed.
  void on_commit();

  /// True while a commit of ours has not come back for longer than it may take.
  bool commits_stuck() const;
  /// Empty until the primary has answered.
  const std::optional<ReplicationStatus>& status() const { return status_; }

 private:
  void check();
  void start_worker();
  void ask_status();
  void send_canary();
  int64_t now_ms() const { return static_cast<int64_t>(uv_now(loop_)); }

  uv_loop_t* loop_;
  ConnectionPool& primary_;
  Timer timer_;
  std::optional<ReplicationStatus> status_;
  int64_t commit_at_ms_ = 0;
  std::optional<int64_t> canary_at_ms_;  ///< when the oldest commit that is not back was made
  bool asking_ = false;                  ///< for the status
  bool sending_ = false;                 ///< a canary is being committed
};

}  // namespace brigade::sidecar
