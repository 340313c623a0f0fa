#pragma once

#include <libpq-fe.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "net/timer.h"
#include "storage/storage.h"

namespace brigade::sidecar {

struct PgResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, PgResultDeleter>;

/// A statement that connections prepare when they first need it.
struct Statement {
  const char* name;
  const char* sql;
};

/// One execution of a statement. Parameters go as text, results come in binary.
struct Query {
  const Statement* statement = nullptr;  ///< null: `sql` is run once, unprepared
  std::string sql;
  std::vector<std::string> parameters;
  std::function<void(Result<PgResult, StorageError>)> done;
  int attempts = 0;
  int64_t asked_at_ms = 0;
};

/// One connection to Postgres on the event loop: connects, runs one query at a time, and connects
/// again, with growing pauses and jitter, when it was lost. Host names are looked up by libpq
/// while the loop waits.
class PostgresConnection {
 public:
  /// What its owner hears of.
  class Owner {
   public:
    /// What a new connection runs before anything else; its result counts for nothing. Empty:
    /// nothing.
    virtual std::unique_ptr<Query> warm_up() { return nullptr; }
    /// Connected, and nothing is running.
    virtual void on_ready(PostgresConnection& connection) = 0;
    /// The connection was lost, and with it `unanswered`, if a query was running.
    virtual void on_lost(PostgresConnection& connection, std::unique_ptr<Query> unanswered,
                         const StorageError& error) = 0;
    virtual void on_notification() {}
    /// Postgres refused `query` with an error that is not for good. Empty: it takes care of the
    /// query; else the caller gets the error.
    virtual std::unique_ptr<Query> on_refused(std::unique_ptr<Query> query, const StorageError&) {
      return query;
    }

   protected:
    ~Owner() = default;
  };

  /// Which of the hosts of a connection string will do, unless it says so itself.
  enum class Target { primary, any };

  PostgresConnection(uv_loop_t* loop, std::string conninfo, Target target, Owner& owner);
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;
  ~PostgresConnection();

  void connect();
  bool ready() const { return state_ == State::idle; }
  /// REQUIRES: ready().
  void run(std::unique_ptr<Query> query);
  /// Drops the connection as if it had been lost.
  void reset(const std::string& why);
  /// The host this connection reached, for logs. REQUIRES: it is connected.
  std::string host() const;

 private:
  enum class State { disconnected, connecting, setting_up, idle, preparing, running };

  void connect_step();
  void on_socket(int status);
  void wait_for(int events);
  void stop_waiting();
  void close_poll();
  void on_connected();
  void on_set_up(const PGresult* result);
  void send();
  bool send_parameters();
  void flush();
  void read_results();
  void finish_result(PgResult result);
  void answer(Result<PgResult, StorageError> result);
  void read_notifications();
  void lose(const std::string& why);
  void connect_later();

  uv_loop_t* loop_;
  std::string conninfo_;
  Target target_;
  Owner& owner_;
  PGconn* connection_ = nullptr;
  uv_poll_t* poll_ = nullptr;
  int poll_socket_ = -1;
  State state_ = State::disconnected;
  std::unique_ptr<Query> query_;
  PgResult last_result_;
  std::unordered_set<const Statement*> prepared_;
  int64_t pause_ms_;
  Timer retry_;
  Timer connect_timeout_;
};

}  // namespace brigade::sidecar
