#include "storage/pool.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace brigade::sidecar {

namespace {

/// How long a query may wait while no connection is to be had. Shorter than the 30 s of silence
/// after which clients give up by themselves.
constexpr int64_t wait_ms_max = 15'000;
/// A query that loses its connection this often is taken for the cause.
constexpr int attempts_max = 4;
/// Before a query that Postgres refused for now runs again.
constexpr int64_t refused_pause_ms = 100;

}  // namespace

ConnectionPool::ConnectionPool(uv_loop_t* loop, const std::string& conninfo,
                               PostgresConnection::Target target, size_t size)
    : loop_(loop), expiry_(loop, [this] { expire(); }), pause_(loop, [this] { queue_refused(); }) {
  PostgresConnection::Owner& owner = *this;
  for (size_t i = 0; i < size; i++) {
    connections_.push_back(std::make_unique<PostgresConnection>(loop, conninfo, target, owner));
  }
}

void ConnectionPool::connect() {
  for (auto& connection : connections_) connection->connect();
}

void ConnectionPool::run(const Statement& statement, std::vector<std::string> parameters,
                         std::function<void(Result<PgResult, StorageError>)> done) {
  auto query = std::make_unique<Query>();
  query->statement = &statement;
  query->parameters = std::move(parameters);
  query->done = std::move(done);
  add(std::move(query));
}

void ConnectionPool::run_once(std::string sql, std::vector<std::string> parameters,
                              std::function<void(Result<PgResult, StorageError>)> done) {
  auto query = std::make_unique<Query>();
  query->sql = std::move(sql);
  query->parameters = std::move(parameters);
  query->done = std::move(done);
  add(std::move(query));
}

void ConnectionPool::set_warm_up(const Statement& statement, std::vector<std::string> parameters) {
  warm_up_ = &statement;
  warm_up_parameters_ = std::move(parameters);
}

std::unique_ptr<Query> ConnectionPool::warm_up() {
  if (warm_up_ == nullptr) return nullptr;
  auto query = std::make_unique<Query>();
  query->statement = warm_up_;
  query->parameters = warm_up_parameters_;
  query->attempts = attempts_max;  // Not worth another try.
  query->done = [](const Result<PgResult, StorageError>& result) {
    if (!result) spdlog::debug("a new connection is not warm: {}", result.error().message);
  };
  return query;
}

void ConnectionPool::add(std::unique_ptr<Query> query) {
  query->asked_at_ms = static_cast<int64_t>(uv_now(loop_));
  queries_++;
  queue_.push_back(std::move(query));
  dispatch();
}

void ConnectionPool::dispatch() {
  for (auto& connection : connections_) {
    if (queue_.empty()) return;
    if (!connection->ready()) continue;
    std::unique_ptr<Query> query = std::move(queue_.front());
    queue_.pop_front();
    connection->run(std::move(query));
  }
  if (!queue_.empty() && !reachable_ && !expiry_.active()) expiry_.start(1'000);
}

void ConnectionPool::on_ready(PostgresConnection&) {
  bool recovered = !std::exchange(reachable_, true);
  if (recovered) spdlog::info("database reached");
  dispatch();
  if (recovered && on_recovered_) on_recovered_();
}

void ConnectionPool::on_lost(PostgresConnection&, std::unique_ptr<Query> unanswered,
                             const StorageError& error) {
  connections_lost_++;
  last_error_ = error;
  reachable_ = stats().connections_ready > 0;
  if (!unanswered) return;
  if (unanswered->attempts < attempts_max) {
    queue_.push_front(std::move(unanswered));
    dispatch();
  } else {
    unanswered->done(error);
  }
}

std::unique_ptr<Query> ConnectionPool::on_refused(std::unique_ptr<Query> query,
                                                  const StorageError& error) {
  if (query->attempts >= attempts_max) return query;
  spdlog::debug("to be tried again: {} {}", error.sqlstate, error.message);
  refused_.push_back(std::move(query));
  if (!pause_.active()) pause_.start(refused_pause_ms);
  return nullptr;
}

void ConnectionPool::queue_refused() {
  for (auto& query : std::exchange(refused_, {})) queue_.push_front(std::move(query));
  dispatch();
}

/// Fails the queries that waited too long while nothing could be reached.
void ConnectionPool::expire() {
  int64_t oldest_ms = static_cast<int64_t>(uv_now(loop_)) - wait_ms_max;
  while (!reachable_ && !queue_.empty() && queue_.front()->asked_at_ms < oldest_ms) {
    std::unique_ptr<Query> query = std::move(queue_.front());
    queue_.pop_front();
    query->done(last_error_);
  }
  if (!reachable_ && !queue_.empty()) expiry_.start(1'000);
}

ConnectionPool::Stats ConnectionPool::stats() const {
  auto is_ready = [](const auto& connection) { return connection->ready(); };
  auto ready = std::count_if(connections_.begin(), connections_.end(), is_ready);
  return {queries_, connections_lost_, static_cast<size_t>(ready), queue_.size()};
}

}  // namespace brigade::sidecar
