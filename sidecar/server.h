#pragma once

#include <uv.h>

#include <memory>
#include <optional>
#include <random>
#include <string>

#include "admin/probes.h"
#include "auth/authenticator.h"
#include "config/settings.h"
#include "fanout/batch_reader.h"
#include "fanout/hub.h"
#include "http/http_connection.h"
#include "http/router.h"
#include "net/listener.h"
#include "session/sync_endpoints.h"
#include "storage/change_feed.h"
#include "storage/postgres_storage.h"

namespace brigade::sidecar {

/// The whole process: puts the parts together, runs them on one event loop, and takes them down.
class Server {
 public:
  explicit Server(Settings settings);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Runs until SIGTERM or SIGINT. The answer is the exit status.
  int run();

 private:
  std::string start();
  void on_feed_connected();
  void deploy_sync_config();
  void on_changes(const Changes& changes);
  void on_session_end(LiveSession& session, CloseReason reason);
  void watch_signal(uv_signal_t& handle, int number);
  void on_signal(int number);
  void shut_down();
  void finish_shut_down();
  void close_all_handles();

  Settings settings_;
  uv_loop_t loop_;
  std::minstd_rand random_{std::random_device{}()};
  std::unique_ptr<ConnectionPool> read_pool_;
  std::unique_ptr<ConnectionPool> write_pool_;
  std::unique_ptr<PostgresStorage> storage_;
  std::unique_ptr<BatchReader> batches_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<ChangeFeed> feed_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<SessionWorld> world_;
  std::unique_ptr<SyncEndpoints> endpoints_;
  std::unique_ptr<Probes> probes_;
  Router router_;
  HttpConnection::Handle handle_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Timer> shutdown_timer_;
  uv_signal_t terminate_;
  uv_signal_t interrupt_;
  int64_t shutdown_at_ms_ = 0;
  int exit_status_ = 0;
  bool deployed_ = false;
  bool shutting_down_ = false;
};

}  // namespace brigade::sidecar
