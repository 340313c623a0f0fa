#pragma once

#include <uv.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "admin/admin_endpoints.h"
#include "admin/probes.h"
#include "auth/authenticator.h"
#include "auth/http_fetcher.h"
#include "config/settings.h"
#include "fanout/batch_reader.h"
#include "fanout/hub.h"
#include "http/http_connection.h"
#include "http/router.h"
#include "metrics/metrics.h"
#include "net/listener.h"
#include "net/tls.h"
#include "session/sync_endpoints.h"
#include "storage/change_feed.h"
#include "storage/postgres_storage.h"
#include "storage/primary_monitor.h"

namespace brigade::sidecar {

/// The whole process: puts the parts together, runs them on one event loop, and takes them down.
class Server {
 public:
  /// `reload` reads the settings anew, for SIGHUP; it answers nothing when they are not valid.
  Server(Settings settings, std::function<std::optional<Settings>()> reload);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Runs until SIGTERM or SIGINT. The answer is the exit status.
  int run();

 private:
  void make_storage();
  void make_endpoints();
  std::string start();
  std::string listen();
  std::string load_certificate();
  void configure_keys();
  void on_primary_reached();
  void deploy_sync_config();
  void on_changes(const Changes& changes);
  void on_session_start(const LiveSession& session);
  void on_session_end(LiveSession& session, CloseReason reason);
  Probes::State health() const;
  std::string metrics_text() const;
  void watch_signal(uv_signal_t& handle, int number);
  void on_signal(int number);
  void reload();
  void shut_down();
  void finish_shut_down();
  void close_all_handles();

  Settings settings_;
  std::function<std::optional<Settings>()> reload_;
  uv_loop_t loop_;
  std::minstd_rand random_{std::random_device{}()};
  Counts counts_;
  TlsContext tls_;
  std::unique_ptr<ConnectionPool> read_pool_;
  std::unique_ptr<ConnectionPool> write_pool_;
  std::unique_ptr<PrimaryMonitor> monitor_;
  std::unique_ptr<PostgresStorage> storage_;
  std::unique_ptr<BatchReader> batches_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<ChangeFeed> feed_;
  std::unique_ptr<HttpFetcher> fetcher_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<SessionWorld> world_;
  std::unique_ptr<SyncEndpoints> endpoints_;
  std::unique_ptr<AdminEndpoints> admin_;
  std::unique_ptr<Probes> probes_;
  Router router_;
  Router metrics_router_;
  HttpConnection::Handle handle_;
  HttpConnection::Handle handle_metrics_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Listener> metrics_listener_;
  std::unique_ptr<Timer> shutdown_timer_;
  std::unique_ptr<Timer> log_timer_;
  std::array<uv_signal_t, 3> signals_;
  int64_t shutdown_at_ms_ = 0;
  int exit_status_ = 0;
  bool deployed_ = false;
  bool shutting_down_ = false;
};

}  // namespace brigade::sidecar
