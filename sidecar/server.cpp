#include "server.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/supabase.h"
#include "metrics/log.h"
#include "session/stream_log.h"

namespace brigade::sidecar {

namespace {

constexpr Statement deploy_statement{"deploy", "SELECT brigade.deploy($1::text)"};

/// Memory for encoded batches that several clients may want.
constexpr size_t kept_batch_bytes_max = 16 << 20;
constexpr size_t write_pool_size = 2;
/// In-flight requests may take this long after SIGTERM.
constexpr int64_t log_flush_interval_ms = 1'000;
constexpr int64_t shutdown_ms_max = 5'000;

/// The feed asks every two seconds at least.
constexpr int64_t feed_silence_ms_max = 10'000;

int64_t wall_clock_ms() {
  using std::chrono::milliseconds;
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::vector<JsonWebKey> configured_keys(const Settings& settings) {
  std::vector<JsonWebKey> keys;
  std::vector<std::string> problems;
  if (!settings.jwks_json.empty()) {
    keys = parse_key_set(nlohmann::json::parse(settings.jwks_json, nullptr, false), problems);
  }
  if (!settings.supabase_jwt_secret.empty()) {
    keys.push_back(JsonWebKey::from_secret(settings.supabase_jwt_secret, "HS256"));
  }
  for (const std::string& problem : problems) spdlog::warn("jwks: {}", problem);
  return keys;
}

TokenRules token_rules(const Settings& settings) {
  TokenRules rules;
  rules.audiences = settings.audiences;
  if (settings.supabase) rules.audiences.emplace_back("authenticated");
  rules.lifetime_s_max = settings.token_lifetime_s_max;
  return rules;
}

SyncLimits sync_limits(const Settings& settings) {
  return {static_cast<size_t>(settings.connections_max), settings.buckets_max,
          settings.parameter_results_max, static_cast<size_t>(settings.body_bytes_max)};
}

AdminEndpoints::Options admin_options(const Settings& settings) {
  return {settings.api_tokens, settings.database_uri, settings.execute_sql,
          !settings.sync_config.empty()};
}

}  // namespace

Server::Server(Settings settings, std::function<std::optional<Settings>()> reload)
    : settings_(std::move(settings)), reload_(std::move(reload)) {
  uv_loop_init(&loop_);
  make_storage();
  make_endpoints();
}

void Server::make_storage() {
  const std::string& primary = settings_.database_uri;
  const std::string& reads =
      settings_.read_database_uri.empty() ? primary : settings_.read_database_uri;
  using Target = PostgresConnection::Target;
  Target read_target = settings_.read_database_uri.empty() ? Target::primary : Target::any;
  read_pool_ = std::make_unique<ConnectionPool>(&loop_, reads, read_target,
                                                static_cast<size_t>(settings_.pool_size));
  write_pool_ = std::make_unique<ConnectionPool>(&loop_, primary, Target::primary, write_pool_size);
  monitor_ = std::make_unique<PrimaryMonitor>(&loop_, *write_pool_);
  storage_ = std::make_unique<PostgresStorage>(*read_pool_, *write_pool_);
  batches_ = std::make_unique<BatchReader>(*storage_, kept_batch_bytes_max);
  hub_ = std::make_unique<Hub>([this] { feed_->poll(); });
  feed_ = std::make_unique<ChangeFeed>(
      &loop_, reads, read_target,
      ChangeFeed::Callbacks{[this] { return hub_->position(); },
                            [this](const Changes& changes) { on_changes(changes); }});
  write_pool_->set_on_recovered([this] { on_primary_reached(); });
  read_pool_->set_on_recovered([this] { endpoints_->on_storage_recovered(); });
}

void Server::make_endpoints() {
  fetcher_ = std::make_unique<HttpFetcher>(&loop_);
  authenticator_ = std::make_unique<Authenticator>([] { return wall_clock_ms() / 1000; });
  configure_keys();
  world_ = std::make_unique<SessionWorld>(SessionWorld{
      &loop_, *hub_, *storage_, *batches_, random_, wall_clock_ms,
      [this](const LiveSession& session) { on_session_start(session); },
      [this](LiveSession& session, CloseReason reason) { on_session_end(session, reason); }});
  endpoints_ = std::make_unique<SyncEndpoints>(*world_, *authenticator_, sync_limits(settings_));
  admin_ = std::make_unique<AdminEndpoints>(*write_pool_, admin_options(settings_));
  probes_ = std::make_unique<Probes>([this] { return health(); });
  endpoints_->add_to(router_);
  admin_->add_to(router_);
  probes_->add_to(router_);
  probes_->add_to(metrics_router_);
  metrics_router_.add("GET", "/metrics", [this](const std::shared_ptr<Exchange>& exchange) {
    exchange->respond(
        HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(), {}});
  });
  handle_ = [this](const std::shared_ptr<Exchange>& exchange) { router_.handle(exchange); };
  handle_metrics_ = [this](const std::shared_ptr<Exchange>& exchange) {
    metrics_router_.handle(exchange);
  };
}

Server::~Server() = default;

void Server::configure_keys() {
  authenticator_->configure(configured_keys(settings_), token_rules(settings_));
  std::vector<std::string> urls = settings_.jwks_uris;
  if (settings_.supabase && settings_.supabase_jwt_secret.empty()) {
    std::string url = supabase_jwks_uri(settings_.database_uri);
    if (!url.empty()) urls.push_back(url);
  }
  auto fetch = [this](const std::string& url, RemoteKeySet::FetchCallback done) {
    fetcher_->fetch(url, settings_.block_local_jwks, std::move(done));
  };
  std::vector<std::shared_ptr<RemoteKeySet>> remotes;
  for (const std::string& url : urls) {
    remotes.push_back(
        std::make_shared<RemoteKeySet>(url, fetch, wall_clock_ms, RemoteKeySet::Times{}));
  }
  authenticator_->set_remotes(std::move(remotes));
}

std::string Server::start() {
  raise_file_limit();
  std::signal(SIGPIPE, SIG_IGN);
  watch_signal(signals_[0], SIGTERM);
  watch_signal(signals_[1], SIGINT);
  watch_signal(signals_[2], SIGHUP);
  shutdown_timer_ = std::make_unique<Timer>(&loop_, [this] { finish_shut_down(); });
  log_timer_ = std::make_unique<Timer>(&loop_, [this] {
    flush_log();
    log_timer_->start(log_flush_interval_ms);
  });
  log_timer_->start(log_flush_interval_ms);
  std::string error = load_certificate();
  if (error.empty()) error = listen();
  if (!error.empty()) return error;
  read_pool_->connect();
  write_pool_->connect();
  feed_->connect();
  monitor_->start();
  return "";
}

std::string Server::load_certificate() {
  if (settings_.tls_certificate_path.empty()) return "";
  return tls_.load(settings_.tls_certificate_path, settings_.tls_key_path);
}

std::string Server::listen() {
  RequestLimits limits;
  limits.body_bytes_max = static_cast<size_t>(settings_.body_bytes_max);
  auto handler_for = [limits](HttpConnection::Handle& handle) {
    return [limits, &handle](Connection& connection) {
      return std::make_unique<HttpConnection>(connection, limits, HttpTimeouts{}, handle);
    };
  };
  auto no_filter = [] { return nullptr; };
  Listener::MakeFilter tls_filter = [this] { return tls_.make_filter(); };
  bool tls = !settings_.tls_certificate_path.empty();
  listener_ = std::make_unique<Listener>(&loop_, handler_for(handle_),
                                         tls ? tls_filter : Listener::MakeFilter(no_filter));
  std::string error = listener_->listen(settings_.host, static_cast<int>(settings_.port));
  if (!error.empty()) return error;
  spdlog::info("listening on {}:{}{}", settings_.host, listener_->port(), tls ? " with TLS" : "");
  if (settings_.metrics_port == 0) return "";
  metrics_listener_ = std::make_unique<Listener>(&loop_, handler_for(handle_metrics_), no_filter);
  return metrics_listener_->listen(settings_.metrics_host,
                                   static_cast<int>(settings_.metrics_port));
}

/// Ready: a sync config is in force, the feed answers, and commits come through it. While the
/// primary cannot be reached, a sidecar that reads from a standby goes on.
Probes::State Server::health() const {
  int64_t silence_ms = static_cast<int64_t>(uv_now(&loop_)) - feed_->answered_at_ms();
  bool started = feed_->answered_at_ms() > 0;
  const auto& status = monitor_->status();
  bool in_force = status && status->has_active_config;
  bool current =
      feed_->connected() && silence_ms < feed_silence_ms_max && !monitor_->commits_stuck();
  return {started, started && in_force && current && !shutting_down_, wall_clock_ms()};
}

int Server::run() {
  std::string error = start();
  if (!error.empty()) {
    spdlog::error("{}", error);
    exit_status_ = 1;
    finish_shut_down();
  }
  uv_run(&loop_, UV_RUN_DEFAULT);
  // Connections tell their listener when they are gone: it goes after them.
  listener_.reset();
  metrics_listener_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_loop_close(&loop_);
  return exit_status_;
}

void Server::on_primary_reached() {
  monitor_->on_reached();
  if (!settings_.sync_config.empty() && !deployed_) deploy_sync_config();
}

void Server::deploy_sync_config() {
  write_pool_->run(deploy_statement, {settings_.sync_config},
                   [this](Result<PgResult, StorageError> result) {
                     bool for_good = result || !result.error().transient;
                     deployed_ = for_good;
                     if (result) {
                       spdlog::info("sync config deployed: {}", single_text(result->get()));
                       return;
                     }
                     spdlog::error("sync config not deployed{}: {} {}", for_good ? "" : " yet",
                                   result.error().message, result.error().detail);
                     if (!for_good || !settings_.exit_on_sync_config_error) return;
                     exit_status_ = 1;
                     shut_down();
                   });
}

void Server::on_changes(const Changes& changes) {
  if (!changes.complete || changes.config_changed) batches_->clear();
  bool moved = changes.commit != hub_->position();
  hub_->apply(changes);
  if (moved) monitor_->on_commit();
}

void Server::on_session_start(const LiveSession& session) {
  counts_.streams_started++;
  log_stream_start(session);
}

void Server::on_session_end(LiveSession& session, CloseReason reason) {
  endpoints_->forget(session);
  counts_.streams_ended++;
  counts_.data_synced_bytes += session.sink().bytes_synced();
  counts_.data_sent_bytes += session.sink().bytes_sent();
  counts_.operations_synced += session.session().counters().operations;
  log_stream_end(session, reason, wall_clock_ms());
}

void Server::watch_signal(uv_signal_t& handle, int number) {
  uv_signal_init(&loop_, &handle);
  handle.data = this;
  uv_signal_start(
      &handle,
      [](uv_signal_t* signal, int received) {
        static_cast<Server*>(signal->data)->on_signal(received);
      },
      number);
}

void Server::on_signal(int number) {
  spdlog::info("signal {} received", number);
  number == SIGHUP ? reload() : shut_down();
}

/// Takes over what can change while streams are open: keys, certificate, limits, tokens, log.
void Server::reload() {
  std::optional<Settings> fresh = reload_();
  if (!fresh) return;
  settings_ = std::move(*fresh);
  set_up_log(settings_.log_level, settings_.log_format);
  configure_keys();
  endpoints_->configure(sync_limits(settings_));
  admin_->configure(admin_options(settings_));
  std::string error = load_certificate();
  if (!error.empty()) spdlog::error("the old certificate stays: {}", error);
  spdlog::info("settings reloaded");
}

void Server::shut_down() {
  if (std::exchange(shutting_down_, true)) return;
  listener_->stop();
  if (metrics_listener_) metrics_listener_->stop();
  endpoints_->shut_down();
  shutdown_at_ms_ = wall_clock_ms();
  shutdown_timer_->start(0);
}

/// Waits until the last response has left, but not forever, and then lets the loop run out.
void Server::finish_shut_down() {
  bool busy = listener_ && !listener_->connections().empty();
  if (busy && wall_clock_ms() - shutdown_at_ms_ < shutdown_ms_max) {
    for (Connection* connection : listener_->connections()) connection->close_when_idle();
    shutdown_timer_->start(20);
    return;
  }
  close_all_handles();
}

void Server::close_all_handles() {
  if (listener_) {
    for (Connection* connection : listener_->connections()) connection->close();
  }
  if (metrics_listener_) {
    for (Connection* connection : metrics_listener_->connections()) connection->close();
  }
  for (uv_signal_t& signal : signals_) {
    uv_close(reinterpret_cast<uv_handle_t*>(&signal), nullptr);
  }
  // Timers and sockets close with their owners.
  fetcher_.reset();
  feed_.reset();
  read_pool_.reset();
  monitor_.reset();
  write_pool_.reset();
  shutdown_timer_.reset();
  log_timer_.reset();
  if (listener_) listener_->stop_ticking();
  if (metrics_listener_) metrics_listener_->stop_ticking();
}

}  // namespace brigade::sidecar
