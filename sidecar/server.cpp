#include "server.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

namespace brigade::sidecar {

namespace {

constexpr Statement deploy_statement{"deploy", "SELECT brigade.deploy($1::text)"};

/// Memory for encoded batches that several clients may want.
constexpr size_t kept_batch_bytes_max = 16 << 20;
constexpr size_t write_pool_size = 2;
/// In-flight requests may take this long after SIGTERM.
constexpr int64_t shutdown_ms_max = 5'000;

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

}  // namespace

Server::Server(Settings settings) : settings_(std::move(settings)) {
  uv_loop_init(&loop_);
  const std::string& primary = settings_.database_uri;
  const std::string& reads =
      settings_.read_database_uri.empty() ? primary : settings_.read_database_uri;
  read_pool_ =
      std::make_unique<ConnectionPool>(&loop_, reads, static_cast<size_t>(settings_.pool_size));
  write_pool_ = std::make_unique<ConnectionPool>(&loop_, primary, write_pool_size);
  storage_ = std::make_unique<PostgresStorage>(*read_pool_, *write_pool_);
  batches_ = std::make_unique<BatchReader>(*storage_, kept_batch_bytes_max);
  hub_ = std::make_unique<Hub>([this] { feed_->poll(); });
  feed_ = std::make_unique<ChangeFeed>(
      &loop_, reads,
      ChangeFeed::Callbacks{[this] { return hub_->position(); },
                            [this](const Changes& changes) { on_changes(changes); },
                            [this] { on_feed_connected(); }});
  authenticator_ = std::make_unique<Authenticator>(
      configured_keys(settings_), token_rules(settings_), [] { return wall_clock_ms() / 1000; });
  world_ = std::make_unique<SessionWorld>(SessionWorld{
      &loop_, *hub_, *storage_, *batches_, random_, wall_clock_ms,
      [this](LiveSession& session, CloseReason reason) { on_session_end(session, reason); }});
  endpoints_ = std::make_unique<SyncEndpoints>(
      *world_, *authenticator_,
      SyncLimits{static_cast<size_t>(settings_.connections_max), settings_.buckets_max,
                 settings_.parameter_results_max, static_cast<size_t>(settings_.body_bytes_max)});
  endpoints_->add_to(router_);
  probes_ = std::make_unique<Probes>([this] {
    bool ready = feed_->connected() && hub_->position() > 0 && !shutting_down_;
    return Probes::State{hub_->position() > 0, ready, wall_clock_ms()};
  });
  probes_->add_to(router_);
  read_pool_->set_on_recovered([this] { endpoints_->on_storage_recovered(); });
  handle_ = [this](const std::shared_ptr<Exchange>& exchange) { router_.handle(exchange); };
}

Server::~Server() = default;

std::string Server::start() {
  raise_file_limit();
  std::signal(SIGPIPE, SIG_IGN);
  watch_signal(terminate_, SIGTERM);
  watch_signal(interrupt_, SIGINT);
  RequestLimits limits;
  limits.body_bytes_max = static_cast<size_t>(settings_.body_bytes_max);
  auto make_handler = [this, limits](Connection& connection) {
    return std::make_unique<HttpConnection>(connection, limits, HttpTimeouts{}, handle_);
  };
  listener_ = std::make_unique<Listener>(&loop_, make_handler, [] { return nullptr; });
  shutdown_timer_ = std::make_unique<Timer>(&loop_, [this] { finish_shut_down(); });
  std::string error = listener_->listen(settings_.host, static_cast<int>(settings_.port));
  if (!error.empty()) return error;
  read_pool_->connect();
  write_pool_->connect();
  feed_->connect();
  spdlog::info("listening on {}:{}", settings_.host, listener_->port());
  return "";
}

int Server::run() {
  std::string error = start();
  if (!error.empty()) {
    spdlog::error("{}", error);
    exit_status_ = 1;
    finish_shut_down();
  }
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_loop_close(&loop_);
  return exit_status_;
}

void Server::on_feed_connected() {
  if (settings_.sync_config.empty() || std::exchange(deployed_, true)) return;
  deploy_sync_config();
}

void Server::deploy_sync_config() {
  write_pool_->run(deploy_statement, {settings_.sync_config},
                   [this](Result<PgResult, StorageError> result) {
                     if (result) {
                       spdlog::info("sync config deployed: {}", single_text(result->get()));
                       return;
                     }
                     spdlog::error("sync config not deployed: {} {}", result.error().message,
                                   result.error().detail);
                     if (!settings_.exit_on_sync_config_error) return;
                     exit_status_ = 1;
                     shut_down();
                   });
}

void Server::on_changes(const Changes& changes) {
  if (!changes.complete || changes.config_changed) batches_->clear();
  hub_->apply(changes);
}

void Server::on_session_end(LiveSession& session, CloseReason reason) {
  endpoints_->forget(session);
  const Session& core = session.session();
  spdlog::info(
      "stream ended request={} user={} client={} sdk=\"{}\" reason=\"{}\" operations={} "
      "bytes={} duration_ms={} first_checkpoint_ms={}",
      session.labels().request_id, core.user_id(), core.client_id(), session.labels().user_agent,
      close_reason_name(reason), core.counters().operations, session.sink().bytes_synced(),
      wall_clock_ms() - session.started_at_ms(), session.first_checkpoint_ms().value_or(-1));
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
  shut_down();
}

void Server::shut_down() {
  if (std::exchange(shutting_down_, true)) return;
  listener_->stop();
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
  for (uv_signal_t* signal : {&terminate_, &interrupt_}) {
    uv_close(reinterpret_cast<uv_handle_t*>(signal), nullptr);
  }
  // Timers and sockets of Postgres close with their owners.
  feed_.reset();
  read_pool_.reset();
  write_pool_.reset();
  shutdown_timer_.reset();
  listener_.reset();
}

}  // namespace brigade::sidecar
