#include "storage/change_feed.h"

#include <spdlog/spdlog.h>

#include "storage/answer_decoding.h"
#include "storage/postgres_storage.h"

namespace brigade::sidecar {

namespace {

constexpr Statement recovery_statement{"in_recovery", "SELECT pg_is_in_recovery()::text"};
constexpr Statement listen_statement{"listen", "LISTEN brigade_commit"};
constexpr Statement changes_statement{"changes", "SELECT brigade.changes($1::bigint)"};

constexpr int64_t standby_interval_ms = 20;
/// On a primary a question now and then shows whether the connection still lives.
constexpr int64_t primary_interval_ms = 2'000;
constexpr int64_t answer_ms_max = 15'000;

}  // namespace

ChangeFeed::ChangeFeed(uv_loop_t* loop, const std::string& conninfo,
                       PostgresConnection::Target target, Callbacks callbacks)
    : loop_(loop),
      callbacks_(std::move(callbacks)),
      connection_(loop, conninfo, target, *this),
      timer_(loop, [this] { check(); }) {}

void ChangeFeed::on_ready(PostgresConnection&) {
  if (!connected_ && !greeting_) greet();
}

void ChangeFeed::run(const Statement& statement, std::vector<std::string> parameters,
                     std::function<void(Result<PgResult, StorageError>)> done) {
  auto query = std::make_unique<Query>();
  query->statement = &statement;
  query->parameters = std::move(parameters);
  query->done = std::move(done);
  asked_at_ms_ = static_cast<int64_t>(uv_now(loop_));
  connection_.run(std::move(query));
}

void ChangeFeed::greet() {
  greeting_ = true;
  timer_.start(primary_interval_ms);
  run(recovery_statement, {}, [this](Result<PgResult, StorageError> result) {
    if (!result) {
      connection_.reset(result.error().message);
      return;
    }
    standby_ = single_text(result->get()) == "true";
    spdlog::info("following {} {}", standby_ ? "standby" : "primary", connection_.host());
    looked_at_ms_ = static_cast<int64_t>(uv_now(loop_));
    listen();
  });
}

/// A standby that was promoted goes on answering, and from then on sends notifications.
void ChangeFeed::look_for_promotion() {
  reading_ = true;
  looked_at_ms_ = static_cast<int64_t>(uv_now(loop_));
  run(recovery_statement, {}, [this](Result<PgResult, StorageError> result) {
    reading_ = false;
    bool promoted = result && single_text(result->get()) != "true";
    if (promoted) {
      connected_ = false;
      greet();
    } else {
      poll();
    }
  });
}

/// LISTEN comes before the first read, so that no commit falls between them.
void ChangeFeed::listen() {
  auto greeted = [this](const Result<PgResult, StorageError>& result) {
    if (!result) {
      connection_.reset(result.error().message);
      return;
    }
    greeting_ = false;
    connected_ = true;
    poll();
  };
  if (standby_) {
    greeted(PgResult());
  } else {
    run(listen_statement, {}, greeted);
  }
}

void ChangeFeed::poll() {
  if (reading_) {
    again_ = true;
  } else if (connected_ && connection_.ready()) {
    read_changes();
  }
}

void ChangeFeed::read_changes() {
  reading_ = true;
  again_ = false;
  int64_t after = callbacks_.position();
  run(changes_statement, {std::to_string(after)},
      [this, after](Result<PgResult, StorageError> result) {
        on_answer(std::move(result), after);
      });
}

void ChangeFeed::on_answer(Result<PgResult, StorageError> result, int64_t after) {
  reading_ = false;
  timer_.start(standby_ ? standby_interval_ms : primary_interval_ms);
  if (!result) {
    spdlog::error("brigade.changes failed: {}", result.error().message);
    return;
  }
  Result<Changes, StorageError> changes = decode_changes(single_text(result->get()), after);
  if (!changes) {
    spdlog::error("{}", changes.error().message);
    return;
  }
  answered_at_ms_ = static_cast<int64_t>(uv_now(loop_));
  callbacks_.on_changes(*changes);
  if (again_) poll();
}

void ChangeFeed::check() {
  auto now_ms = static_cast<int64_t>(uv_now(loop_));
  bool stuck = (reading_ || greeting_) && now_ms - asked_at_ms_ > answer_ms_max;
  bool look = standby_ && connected_ && now_ms - looked_at_ms_ > primary_interval_ms;
  timer_.start(standby_ && !reading_ ? standby_interval_ms : primary_interval_ms);
  if (stuck) {
    connection_.reset("no answer in time");
  } else if (look && !reading_) {
    look_for_promotion();
  } else if (!reading_) {
    poll();
  }
}

void ChangeFeed::on_lost(PostgresConnection&, std::unique_ptr<Query>, const StorageError& error) {
  spdlog::warn("connection of the change feed lost: {}", error.message);
  connected_ = greeting_ = reading_ = again_ = false;
  timer_.stop();
}

}  // namespace brigade::sidecar
