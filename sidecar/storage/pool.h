#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/timer.h"
#include "storage/connection.h"

namespace brigade::sidecar {

/// A few connections and a queue of queries for them. A query whose connection was lost, or that
/// Postgres refused for a reason that passes, runs again, so that a restart of Postgres or a
/// standby's conflict with recovery shows as a pause; one that found no connection in time fails as
/// transient.
class ConnectionPool : private PostgresConnection::Owner {
 public:
  struct Stats {
    uint64_t queries = 0;
    uint64_t connections_lost = 0;
    size_t connections_ready = 0;
    size_t waiting = 0;
  };

  ConnectionPool(uv_loop_t* loop, const std::string& conninfo, PostgresConnection::Target target,
                 size_t size);

  void connect();
  void run(const Statement& statement, std::vector<std::string> parameters,
           std::function<void(Result<PgResult, StorageError>)> done);
  /// Runs a statement that somebody wrote, unprepared.
  void run_once(std::string sql, std::vector<std::string> parameters,
                std::function<void(Result<PgResult, StorageError>)> done);
  /// Every connection runs this when it has been opened, so that no client waits while Postgres
  /// loads libraries, catalogs and plans into a new process. REQUIRES: not connected yet.
  void set_warm_up(const Statement& statement, std::vector<std::string> parameters);
  /// Called when the pool has a connection again after it had none.
  void set_on_recovered(std::function<void()> callback) { on_recovered_ = std::move(callback); }
  Stats stats() const;

 private:
  std::unique_ptr<Query> warm_up() override;
  void on_ready(PostgresConnection& connection) override;
  void on_lost(PostgresConnection& connection, std::unique_ptr<Query> unanswered,
               const StorageError& error) override;
  std::unique_ptr<Query> on_refused(std::unique_ptr<Query> query,
                                    const StorageError& error) override;
  void add(std::unique_ptr<Query> query);
  void dispatch();
  void queue_refused();
  void expire();

  uv_loop_t* loop_;
  std::vector<std::unique_ptr<PostgresConnection>> connections_;
  std::deque<std::unique_ptr<Query>> queue_;
  std::vector<std::unique_ptr<Query>> refused_;  ///< to run again after a pause
  std::function<void()> on_recovered_;
  const Statement* warm_up_ = nullptr;
  std::vector<std::string> warm_up_parameters_;
  Timer expiry_;
  Timer pause_;
  StorageError last_error_{"", "not connected yet", "", true};
  uint64_t queries_ = 0;
  uint64_t connections_lost_ = 0;
  bool reachable_ = false;
};

}  // namespace brigade::sidecar
