#include "worker/worker.h"

#include "decoding/output_plugin.h"
#include "pg/background_worker.h"
#include "pg/error.h"
#include "pg/spi.h"
#include "pg/transaction.h"
#include "snapshot/backfill.h"
#include "storage/storage_commit.h"

namespace brigade {

namespace {

// How often the WAL is looked at when nobody wakes the worker. Short: it bounds the latency.
constexpr long poll_interval_ms = 2;
// Without a config only a deploy, which wakes the worker, gives it something to do.
constexpr long idle_interval_ms = 1000;
// More decoded transactions are gathered into one storage commit up to this size.
constexpr size_t batch_bytes_max = 4 << 20;
// The slot's position is moved over WAL without changes of interest in steps of this size.
constexpr uint64_t confirm_bytes_min = 1 << 20;

// Held for the worker's life, so that a database has one worker at most.
constexpr int32_t advisory_lock_class = 0x62726967;

}  // namespace

Worker::Worker(uint32_t database)
    : slot_name_("pg_brigade_" + std::to_string(database)), decoder_(messages_) {
  set_plugin_decoder(&decoder_);
}

bool Worker::own_extension_and_lock() {
  pg::Transaction transaction;
  const pg::Rows rows = pg::execute(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_brigade'),"
      " pg_try_advisory_lock($1, 0)",
      pg::Parameters().add(advisory_lock_class));
  const bool installed = rows.boolean(0, 0);
  const bool alone = rows.boolean(0, 1);
  transaction.commit();
  if (!installed && alone && pg::find_slot(slot_name_)) pg::drop_slot(slot_name_);
  return installed && alone;
}

void Worker::load() {
  pg::Transaction transaction;
  head_ = load_head();
  plans_ = load_active_plans();
  pending_ = find_pending_config();
  transaction.commit();
  decoder_.set_plans(plans_);
}

void Worker::run() {
  if (!own_extension_and_lock()) return;
  load();
  for (;;) {
    pg::handle_worker_interrupts();
    if (pending_ && !pending_->activation_lsn) carry_out_deploy();
    if (has_work()) follow();
    const bool woken = pg::wait_for_wake_up(has_work() ? poll_interval_ms : idle_interval_ms);
    if (woken || !has_work()) look_for_deploy();
  }
}

void Worker::look_for_deploy() {
  pg::Transaction transaction;
  pending_ = find_pending_config();
  transaction.commit();
}

void Worker::carry_out_deploy() {
  if (!pg::find_slot(slot_name_)) {
    const uint64_t consistent_point = pg::create_slot(slot_name_);
    pg::log_info("created replication slot " + slot_name_);
    if (head_.lsn < consistent_point) head_.lsn = consistent_point;
  }
  reader_.reset();
  fill_definitions(*pending_);
  load();
}

void Worker::fill_definitions(const PendingConfig& config) {
  const uint64_t consistent_point = pg::begin_snapshot_transaction(slot_name_ + "_backfill");
  pg::Transaction transaction = pg::Transaction::adopt();
  auto plan = std::make_shared<ActivePlan>();
  plan->config_id = config.id;
  plan->plan = config.plan;
  plan->definition_ids = find_or_create_definitions(config.plan);
  plan->from_lsns.assign(plan->definition_ids.size(), consistent_point);
  const std::vector<int32_t> staging = staging_definitions(plan->definition_ids);
  StorageCommit commit(buckets_, head_, decoder_);
  backfill(plan, staging, commit);
  mark_config_filled(config.id, plan->definition_ids, consistent_point);
  commit.finish(head_.lsn);
  transaction.commit();
  pg::log_info("filled " + std::to_string(staging.size()) + " definitions of config " +
               std::to_string(config.id));
}

void Worker::open_reader() {
  reader_ = std::make_unique<pg::LogicalReader>(slot_name_, head_.lsn);
  confirmed_lsn_ = head_.lsn;
}

void Worker::follow() {
  if (reader_ == nullptr) open_reader();
  while (reader_->read_next()) {
    if (messages_.empty()) continue;
    if (pending_) activate_if_reached(decoder_.last_commit_lsn());
    if (pending_ || messages_.size() >= batch_bytes_max) store();
    pg::handle_worker_interrupts();
  }
  if (!messages_.empty()) store();
  if (pending_) activate_if_reached(reader_->position());
  confirm_idle_position();
}

void Worker::store() {
  {
    pg::Transaction transaction;
    StorageCommit commit(buckets_, head_, decoder_);
    commit.apply(messages_);
    commit.finish(decoder_.last_end_lsn());
    transaction.commit();
  }
  decoder_.clear_messages();
  buckets_.trim();
  reader_->confirm(head_.lsn);
  confirmed_lsn_ = head_.lsn;
}

// The new definitions hold what committed before the activation LSN: they may be shown exactly when
// the others hold that too.
void Worker::activate_if_reached(uint64_t position) {
  if (!pending_->activation_lsn || position < *pending_->activation_lsn) return;
  {
    pg::Transaction transaction;
    StorageCommit commit(buckets_, head_, decoder_);
    activate_config(pending_->id);
    commit.note_config_change();
    commit.finish(*pending_->activation_lsn);
    transaction.commit();
  }
  pg::log_info("config " + std::to_string(pending_->id) + " is active");
  buckets_ = BucketCache();
  load();
}

void Worker::confirm_idle_position() {
  const uint64_t position = reader_->position();
  if (position < confirmed_lsn_ + confirm_bytes_min) return;
  reader_->confirm(position);
  confirmed_lsn_ = position;
}

}  // namespace brigade
