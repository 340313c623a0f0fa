#pragma once

#include <functional>
#include <string>

#include "net/timer.h"
#include "storage/connection.h"

namespace brigade::sidecar {

/// Follows the database's storage commits on a connection of its own: waits for NOTIFY, asks
/// `brigade.changes` once for everything new, and hands the answer on. A standby has no NOTIFY;
/// there it asks at a short interval, and looks now and then whether it was promoted.
class ChangeFeed : private PostgresConnection::Owner {
 public:
  struct Callbacks {
    std::function<int64_t()> position;  ///< the commit to read from
    std::function<void(const Changes&)> on_changes;
  };

  ChangeFeed(uv_loop_t* loop, const std::string& conninfo, PostgresConnection::Target target,
             Callbacks callbacks);

  void connect() { connection_.connect(); }
  /// Reads what is new now, or once more when that is under way already.
  void poll();

  bool connected() const { return connected_; }
  bool on_standby() const { return standby_; }
  /// When changes were last read, in milliseconds of the loop's clock.
  int64_t answered_at_ms() const { return answered_at_ms_; }

 private:
  void on_ready(PostgresConnection& connection) override;
  void on_lost(PostgresConnection& connection, std::unique_ptr<Query> unanswered,
               const StorageError& error) override;
  void on_notification() override { poll(); }

  void greet();
  void look_for_promotion();
  void listen();
  void read_changes();
  void on_answer(Result<PgResult, StorageError> result, int64_t after);
  void run(const Statement& statement, std::vector<std::string> parameters,
           std::function<void(Result<PgResult, StorageError>)> done);
  void check();

  uv_loop_t* loop_;
  Callbacks callbacks_;
  PostgresConnection connection_;
  Timer timer_;
  int64_t asked_at_ms_ = 0;
  int64_t answered_at_ms_ = 0;
  int64_t looked_at_ms_ = 0;  ///< when it was last known to be a standby
  bool connected_ = false;    ///< greeted: LISTEN is in force, or it is a standby
  bool greeting_ = false;
  bool standby_ = false;
  bool reading_ = false;
  bool again_ = false;
};

}  // namespace brigade::sidecar
