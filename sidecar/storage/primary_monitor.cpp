#include "storage/primary_monitor.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "storage/answer_decoding.h"
#include "storage/postgres_storage.h"

namespace brigade::sidecar {

namespace {

constexpr Statement start_statement{"start", "SELECT brigade.start()::text"};
constexpr Statement status_statement{"status", "SELECT brigade.sidecar_status()::text"};
constexpr Statement canary_statement{
    "canary", "SELECT brigade.create_write_checkpoint('', 'brigade-sidecar')::text"};

constexpr int64_t interval_ms = 5'000;
constexpr int64_t standstill_ms_max = 15'000;

}  // namespace

PrimaryMonitor::PrimaryMonitor(uv_loop_t* loop, ConnectionPool& primary)
    : loop_(loop), primary_(primary), timer_(loop, [this] { check(); }) {}

void PrimaryMonitor::start() { timer_.start(interval_ms); }

void PrimaryMonitor::on_reached() {
  start_worker();
  ask_status();
}

void PrimaryMonitor::on_commit() {
  commit_at_ms_ = now_ms();
  canary_at_ms_.reset();
  // The first config may just have become active.
  if (!status_ || !status_->has_active_config) ask_status();
}

bool PrimaryMonitor::commits_stuck() const {
  return canary_at_ms_ && now_ms() - *canary_at_ms_ > standstill_ms_max;
}

void PrimaryMonitor::check() {
  timer_.start(interval_ms);
  if (primary_.stats().connections_ready == 0) return;
  ask_status();
  if (now_ms() - commit_at_ms_ < interval_ms) return;
  // The worker may have ended for good, such as by the drop and creation of the extension.
  if (canary_at_ms_) start_worker();
  send_canary();
}

void PrimaryMonitor::start_worker() {
  primary_.run(start_statement, {}, [](const Result<PgResult, StorageError>& result) {
    if (!result) spdlog::warn("brigade.start() failed: {}", result.error().message);
  });
}

void PrimaryMonitor::ask_status() {
  if (std::exchange(asking_, true)) return;
  primary_.run(status_statement, {}, [this](const Result<PgResult, StorageError>& result) {
    asking_ = false;
    if (!result) {
      spdlog::warn("brigade.sidecar_status() failed: {}", result.error().message);
      return;
    }
    Result<ReplicationStatus, StorageError> status = decode_status(single_text(result->get()));
    if (status) {
      status_ = *status;
    } else {
      spdlog::error("{}", status.error().message);
    }
  });
}

void PrimaryMonitor::send_canary() {
  if (std::exchange(sending_, true)) return;
  primary_.run(canary_statement, {}, [this](const Result<PgResult, StorageError>& result) {
    sending_ = false;
    if (!result) {
      spdlog::debug("canary not sent: {}", result.error().message);
    } else if (!canary_at_ms_) {
      canary_at_ms_ = now_ms();
    }
  });
}

}  // namespace brigade::sidecar
