#include "storage/connection.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <random>
#include <tuple>
#include <utility>

namespace brigade::sidecar {

namespace {

constexpr int64_t first_pause_ms = 50;
constexpr int64_t pause_ms_max = 5'000;
constexpr int64_t connect_timeout_ms = 10'000;

/// What every session of ours runs with, whatever the role's own settings: compiling takes longer
/// than these short queries, none may run for ever, and LISTEN idles for ever.
constexpr const char* session_settings =
    "SET jit = off; SET statement_timeout = '60s'; SET idle_session_timeout = 0";

/// Half to all of `pause_ms`, so that many sidecars do not knock at the same moment.
int64_t jitter(int64_t pause_ms) {
  static std::minstd_rand generator(std::random_device{}());
  return std::uniform_int_distribution<int64_t>(pause_ms / 2, pause_ms)(generator);
}

/// SQLSTATE classes that another try may not meet: connection failures (08), resources (53),
/// shutdown and recovery (57P), serialisation (40), and read-only primaries during a failover.
bool is_transient(std::string_view sqlstate) {
  return sqlstate.starts_with("08") || sqlstate.starts_with("53") || sqlstate.starts_with("57P") ||
         sqlstate.starts_with("40") || sqlstate == "25006";
}

StorageError to_error(const PGresult* result) {
  auto field = [result](int code) {
    const char* text = PQresultErrorField(result, code);
    return std::string(text == nullptr ? "" : text);
  };
  StorageError error{field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_PRIMARY),
                     field(PG_DIAG_MESSAGE_DETAIL), false};
  error.transient = error.sqlstate.empty() || is_transient(error.sqlstate);
  return error;
}

}  // namespace

PostgresConnection::PostgresConnection(uv_loop_t* loop, std::string conninfo, Target target,
                                       Owner& owner)
    : loop_(loop),
      conninfo_(std::move(conninfo)),
      target_(target),
      owner_(owner),
      pause_ms_(first_pause_ms),
      retry_(loop, [this] { connect(); }),
      connect_timeout_(loop, [this] { lose("connecting took too long"); }) {}

PostgresConnection::~PostgresConnection() {
  close_poll();
  PQfinish(connection_);
}

void PostgresConnection::connect() {
  assert(state_ == State::disconnected);
  // What stands before the connection string (`dbname`) is what it can replace. The last lines
  // find out within about 20 s that a host has vanished without a word.
  const std::pair<const char*, const char*> parameters[] = {
      {"fallback_application_name", "brigade-sidecar"},
      {"target_session_attrs", target_ == Target::primary ? "read-write" : "any"},
      {"keepalives_idle", "5"},
      {"keepalives_interval", "5"},
      {"keepalives_count", "3"},
      {"tcp_user_timeout", "20000"},
      {"dbname", conninfo_.c_str()},
      {"client_encoding", "UTF8"},
      {nullptr, nullptr}};
  std::array<const char*, std::size(parameters)> names;
  std::array<const char*, std::size(parameters)> values;
  for (size_t i = 0; i < std::size(parameters); i++) {
    std::tie(names[i], values[i]) = parameters[i];
  }
  constexpr int expand_dbname = 1;
  connection_ = PQconnectStartParams(names.data(), values.data(), expand_dbname);
  if (connection_ == nullptr || PQstatus(connection_) == CONNECTION_BAD) {
    lose(connection_ == nullptr ? "out of memory" : PQerrorMessage(connection_));
    return;
  }
  state_ = State::connecting;
  connect_timeout_.start(connect_timeout_ms);
  wait_for(UV_WRITABLE);
}

void PostgresConnection::connect_step() {
  // libpq may close its socket and open another, with the same number or not, in this call.
  stop_waiting();
  switch (PQconnectPoll(connection_)) {
    case PGRES_POLLING_READING:
      wait_for(UV_READABLE);
      return;
    case PGRES_POLLING_WRITING:
      wait_for(UV_WRITABLE);
      return;
    case PGRES_POLLING_OK:
      on_connected();
      return;
    default:
      lose(PQerrorMessage(connection_));
  }
}

void PostgresConnection::on_connected() {
  PQsetnonblocking(connection_, 1);
  PQsetNoticeProcessor(
      connection_, [](void*, const char* notice) { spdlog::debug("database says: {}", notice); },
      nullptr);
  state_ = State::setting_up;
  if (PQsendQuery(connection_, session_settings) == 0) {
    lose(PQerrorMessage(connection_));
    return;
  }
  flush();
}

/// `result` is one of those of `session_settings`; null after the last.
void PostgresConnection::on_set_up(const PGresult* result) {
  if (result != nullptr) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) lose(PQresultErrorMessage(result));
    return;
  }
  state_ = State::idle;
  connect_timeout_.stop();
  pause_ms_ = first_pause_ms;
  if (auto query = owner_.warm_up()) {
    run(std::move(query));
  } else {
    owner_.on_ready(*this);
  }
}

void PostgresConnection::wait_for(int events) {
  int socket = PQsocket(connection_);
  if (poll_ == nullptr || poll_socket_ != socket) {
    close_poll();
    poll_ = new uv_poll_t;
    poll_socket_ = socket;
    uv_poll_init(loop_, poll_, socket);
    poll_->data = this;
  }
  uv_poll_start(poll_, events, [](uv_poll_t* poll, int status, int) {
    static_cast<PostgresConnection*>(poll->data)->on_socket(status);
  });
}

void PostgresConnection::stop_waiting() {
  if (poll_ != nullptr) uv_poll_stop(poll_);
}

void PostgresConnection::close_poll() {
  if (poll_ == nullptr) return;
  auto free_handle = [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); };
  uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(poll_, nullptr)), free_handle);
}

void PostgresConnection::on_socket(int status) {
  if (state_ == State::connecting) {
    connect_step();
    return;
  }
  if (status < 0 || PQconsumeInput(connection_) == 0) {
    lose(status < 0 ? uv_strerror(status) : PQerrorMessage(connection_));
    return;
  }
  if (state_ != State::idle) {
    flush();
    read_results();
  }
  if (connection_ != nullptr) read_notifications();
}

void PostgresConnection::run(std::unique_ptr<Query> query) {
  assert(ready());
  query_ = std::move(query);
  query_->attempts++;
  send();
}

/// Sends the query, or first its statement if this connection has not prepared it.
void PostgresConnection::send() {
  const Statement* statement = query_->statement;
  bool prepare = statement != nullptr && !prepared_.contains(statement);
  state_ = prepare ? State::preparing : State::running;
  bool sent = prepare ? PQsendPrepare(connection_, statement->name, statement->sql, 0, nullptr) != 0
                      : send_parameters();
  if (!sent) {
    lose(PQerrorMessage(connection_));
    return;
  }
  flush();
}

bool PostgresConnection::send_parameters() {
  std::vector<const char*> values;
  for (const std::string& parameter : query_->parameters) values.push_back(parameter.c_str());
  auto count = static_cast<int>(values.size());
  constexpr int binary_results = 1;
  if (query_->statement == nullptr) {
    return PQsendQueryParams(connection_, query_->sql.c_str(), count, nullptr, values.data(),
                             nullptr, nullptr, binary_results) != 0;
  }
  return PQsendQueryPrepared(connection_, query_->statement->name, count, values.data(), nullptr,
                             nullptr, binary_results) != 0;
}

void PostgresConnection::flush() {
  int left = PQflush(connection_);
  if (left < 0) {
    lose(PQerrorMessage(connection_));
    return;
  }
  wait_for(left > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

void PostgresConnection::read_results() {
  auto waiting = [this] { return connection_ != nullptr && state_ != State::idle; };
  while (waiting() && PQisBusy(connection_) == 0) {
    PgResult result(PQgetResult(connection_));
    if (state_ == State::setting_up) {
      on_set_up(result.get());
    } else if (result) {
      last_result_ = std::move(result);
    } else {
      finish_result(std::move(last_result_));
    }
  }
}

void PostgresConnection::finish_result(PgResult result) {
  ExecStatusType status = PQresultStatus(result.get());
  bool succeeded = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  if (!succeeded && PQstatus(connection_) == CONNECTION_BAD) {
    lose(PQerrorMessage(connection_));
  } else if (!succeeded) {
    answer(to_error(result.get()));
  } else if (state_ == State::preparing) {
    prepared_.insert(query_->statement);
    send();
  } else {
    answer(std::move(result));
  }
}

void PostgresConnection::answer(Result<PgResult, StorageError> result) {
  state_ = State::idle;
  std::unique_ptr<Query> query = std::move(query_);
  if (!result && result.error().transient) {
    query = owner_.on_refused(std::move(query), result.error());
  }
  // The next query is on its way to Postgres before this one's answer is worked on.
  owner_.on_ready(*this);
  if (query) query->done(std::move(result));
}

void PostgresConnection::read_notifications() {
  bool any = false;
  while (PGnotify* notification = PQnotifies(connection_)) {
    any = true;
    PQfreemem(notification);
  }
  if (any) owner_.on_notification();
}

void PostgresConnection::reset(const std::string& why) {
  if (state_ != State::disconnected) lose(why);
}

void PostgresConnection::lose(const std::string& why) {
  StorageError error{"", why, "", true};
  while (error.message.ends_with('\n')) error.message.pop_back();
  connect_timeout_.stop();
  close_poll();
  PQfinish(std::exchange(connection_, nullptr));
  prepared_.clear();
  last_result_.reset();
  state_ = State::disconnected;
  connect_later();
  owner_.on_lost(*this, std::move(query_), error);
}

void PostgresConnection::connect_later() {
  retry_.start(jitter(pause_ms_));
  pause_ms_ = std::min(pause_ms_ * 2, pause_ms_max);
}

std::string PostgresConnection::host() const {
  return std::string(PQhost(connection_)) + ":" + PQport(connection_);
}

}  // namespace brigade::sidecar
