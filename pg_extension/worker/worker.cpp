#include "worker/worker.h"

#include "decoding/output_plugin.h"
#include "pg/background_worker.h"
#include "pg/error.h"
#include "pg/settings.h"
#include "pg/spi.h"
#include "pg/transaction.h"
#include "snapshot/catalog_watch.h"
#include "storage/reappend.h"
#include "storage/storage_commit.h"

namespace brigade {

namespace {

// How often the WAL is looked at when nobody wakes the worker. Short: it bounds the latency.
constexpr long poll_interval_ms = 2;
// Without a config only a deploy, which wakes the worker, gives it something to do.
constexpr long idle_interval_ms = 1000;
// More decoded transactions are gathered into one storage commit up to this size.
constexpr size_t batch_bytes_max = 4 << 20;
// Each confirmed position is written to disk. Over WAL without changes of interest the slot is
// moved in steps of this size, or in shorter ones after this time.
constexpr uint64_t confirm_bytes_min = 1 << 20;
constexpr auto confirm_interval = std::chrono::seconds(1);

constexpr auto retention_check_interval = std::chrono::seconds(10);
// A wake-up is lost when it comes while the worker waits for a lock: the server uses the same
// latch.
constexpr auto deploy_look_interval = std::chrono::seconds(1);

constexpr long recent_transactions_max = 4096;

// Held for the worker's life, so that a database has one worker at most.
constexpr int32_t advisory_lock_class = 0x62726967;

}  // namespace

namespace {

// Commits become visible within moments: the newest ones are enough to remember.
void forget_old(std::vector<uint32_t>& transactions) {
  if (transactions.size() <= 2 * recent_transactions_max) return;
  transactions.erase(transactions.begin(), transactions.end() - recent_transactions_max);
}

void forget(const CatalogChanges& changes, StorageCommit& commit) {
  for (const TruncateChange& table : changes.gone) commit.forget_table(table);
  for (const auto& table : changes.unread) commit.forget_values(table);
}

// What decoding queues of a transaction before it goes to the disk is all a large one costs in
// memory. Who has set a limit is believed.
void spill_large_transactions_early() {
  pg::execute(
      "SELECT pg_catalog.set_config(name, '8MB', false) FROM pg_catalog.pg_settings"
      " WHERE name = 'logical_decoding_work_mem' AND source = 'default'");
}

// One that runs already stays: the new one sees that and ends.
void launch_compaction() {
  if (pg::launch_worker(pg::compaction_worker, pg::current_database())) return;
  pg::log_warning("no free slot for compaction: raise max_worker_processes");
}

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
  copier_.load(plans_);
  transaction.commit();
  decoder_.set_plans(plans_);
  catalog_seen_ = false;
  catalog_known_ = {head_.commit_id, head_.op_id};
}

void Worker::run() {
  if (!own_extension_and_lock()) return;
  launch_compaction();
  {
    pg::Transaction transaction;
    deploy_restored_config();
    spill_large_transactions_early();
    transaction.commit();
  }
  load();
  if (has_work() && lost_slot()) recover();
  for (;;) {
    pg::handle_worker_interrupts();
    if (pending_ && !pending_->begun) begin_deploy();
    bool busy = false;
    if (has_work()) {
      end_retention_if_due();
      follow();
      watch_catalog();
      busy = copy_rows();
      busy = reappend_rows() || busy;
      activate_if_filled();
    }
    const long pause_ms = has_work() ? poll_interval_ms : idle_interval_ms;
    // Who wakes it cannot be told; a process that reads does so all the time.
    const bool woken = pg::wait_for_wake_up(busy ? 0 : pause_ms) && !copier_.waits_for_reader();
    if (woken || std::chrono::steady_clock::now() >= next_deploy_look_) look_for_deploy();
  }
}

bool Worker::lost_slot() const {
  const std::optional<pg::SlotPosition> slot = pg::find_slot(slot_name_);
  return !slot || slot->invalidated;
}

// The stream of changes has a gap: the server was promoted or restored without the slot, somebody
// dropped it, or it fell behind max_slot_wal_keep_size. Buckets are compared with the tables at the
// point where a new slot begins, and what differs is stored in one commit. The slot is kept only
// after that commit, so that a crash leads here again.
void Worker::recover() {
  pg::log_warning("the replication slot " + slot_name_ +
                  " is gone or unusable; comparing all tables with what buckets hold");
  if (pg::find_slot(slot_name_)) pg::drop_slot(slot_name_);
  const uint64_t consistent_point = pg::create_slot_with_snapshot(slot_name_);
  {
    pg::Transaction transaction = pg::Transaction::adopt();
    head_.skip_lost();
    StorageCommit commit(buckets_, head_, decoder_);
    forget(CatalogLook(plans_).carry_out({}), commit);
    enqueue_all("slot lost");
    copier_.load(plans_);
    copier_.copy_all(commit);
    commit.acknowledge_visible_write_checkpoints();
    commit.note_config_change();
    commit.finish(consistent_point);
    transaction.commit();
  }
  pg::keep_slot();
  pg::log_info("compared; following the stream of changes again");
}

void Worker::look_for_deploy() {
  next_deploy_look_ = std::chrono::steady_clock::now() + deploy_look_interval;
  reappend_wanted_ = true;
  const bool was_begun = pending_ && pending_->begun;
  {
    pg::Transaction transaction;
    pending_ = find_pending_config();
    if (was_begun && !pending_) drop_cancelled();
    if (has_work()) copier_.load(plans_);  // brigade.reconcile() adds to its queue
    transaction.commit();
  }
  if (was_begun && !pending_) load();
}

void Worker::end_retention_if_due() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_retention_check_) return;
  next_retention_check_ = now + retention_check_interval;
  bool ended = false;
  {
    pg::Transaction transaction;
    ended = end_retention();
    transaction.commit();
  }
  if (!ended) return;
  buckets_ = BucketCache();
  load();
}

// From here on the stream is followed for the new config's definitions too; what their tables hold
// from before is copied into them beside it. Without another config, nobody is served before all
// tables have been read after this: so whatever is committed by now will be stored by then, and the
// stream need not tell of write checkpoints that came before it.
void Worker::begin_deploy() {
  if (!pg::find_slot(slot_name_)) {
    const uint64_t consistent_point = pg::create_slot(slot_name_);
    pg::log_info("created replication slot " + slot_name_);
    if (head_.lsn < consistent_point) head_.lsn = consistent_point;
  }
  const uint64_t lsn = head_.lsn;
  {
    pg::Transaction transaction;
    begin_config(*pending_);
    if (!has_work()) {
      StorageCommit commit(buckets_, head_, decoder_);
      commit.acknowledge_visible_write_checkpoints();
      commit.finish(lsn);
    }
    transaction.commit();
  }
  buckets_ = BucketCache();
  load();
  head_.lsn = lsn;
}

namespace {

// Absent: nothing has changed.
std::optional<CatalogLook> look_at_catalog(const ActivePlans& plans) {
  pg::Transaction transaction;
  std::optional<CatalogLook> look(std::in_place, plans);
  transaction.commit();
  if (!look->found_changes()) return std::nullopt;
  return look;
}

}  // namespace

// The first look is due when plans have changed; after that the catalog tells of changes itself.
// It sees DDL that the stream has not reached. What the stream says of a table until then must not
// be stored after the table was removed, so it is followed up to there first.
void Worker::watch_catalog() {
  const bool changed = RelationCache::take_catalog_change();
  const StoredUntil now{head_.commit_id, head_.op_id};
  if (!catalog_seen_ || changed) look_again();
  catalog_known_ = now;
}

void Worker::look_again() {
  catalog_seen_ = true;
  const auto look = look_at_catalog(plans_);
  if (!look) return;
  follow_to(pg::write_watermark());
  if (!messages_.empty()) store(decoder_.last_end_lsn());
  carry_out(*look);
}

void Worker::carry_out(const CatalogLook& look) {
  pg::Transaction transaction;
  const CatalogChanges changes = look.carry_out(catalog_known_);
  if (!changes.gone.empty() || !changes.unread.empty()) {
    StorageCommit commit(buckets_, head_, decoder_);
    commit.expect_copies(copier_.expected());
    forget(changes, commit);
    commit.finish(head_.lsn);
  }
  if (changes.queue_changed) copier_.load(plans_);
  transaction.commit();
}

void Worker::note_touched_rows() {
  copier_.note_touched(decoder_.touched_rows());
  decoder_.note_touched_rows(copier_.tables());
}

// One chunk of a table; or a part of what comes before its rows, or after them. If there is both,
// they take turns, so that no table waits for what is done for another.
bool Worker::copy_rows() {
  note_touched_rows();
  if (!copier_.has_work()) return false;
  if (copies_too_fast()) {
    copier_.read(decoder_.recent_transactions());
    return false;
  }
  return part_is_next_ ? copy_part() || copy_chunk() : copy_chunk() || copy_part();
}

// The rows that the stream touches until it has reached all that the chunk's snapshot saw are right
// already, and the rest of the chunk is right with them.
bool Worker::copy_chunk() {
  copier_.read(decoder_.recent_transactions());
  const auto watermark = copier_.watermark();
  if (!watermark) return false;
  follow_to(*watermark);
  // What was committed meanwhile need not wait for the chunk to be stored.
  if (!messages_.empty()) store(decoder_.last_end_lsn());
  note_touched_rows();
  const auto followed_at = std::chrono::steady_clock::now();
  write_commit(reader_->position(), [&](StorageCommit& commit) { copier_.store(commit); });
  copied_at_ = std::chrono::steady_clock::now();
  part_is_next_ = true;
  copier_.note_stored_in(copied_at_ - followed_at);
  return true;
}

bool Worker::copy_part() {
  const auto started_at = std::chrono::steady_clock::now();
  if (copier_.is_removing()) {
    write_commit(head_.lsn, [&](StorageCommit& commit) { copier_.remove_part(commit); });
  } else if (!copier_.gather_part()) {
    return false;
  }
  copied_at_ = std::chrono::steady_clock::now();
  // Room is made, and nothing found, in no time: chunks and their pauses would make that long.
  part_is_next_ = copier_.last_row_count() == 0;
  copier_.note_part_in(copied_at_ - started_at);
  return true;
}

bool Worker::copies_too_fast() const {
  const int rate = pg::settings().copy_rate;
  if (rate == 0) return false;
  const std::chrono::duration<double> pause(static_cast<double>(copier_.last_row_count()) / rate);
  return std::chrono::steady_clock::now() - copied_at_ < pause;
}

// One request of compaction; the stream is followed between two.
bool Worker::reappend_rows() {
  if (!reappend_wanted_) return false;
  pg::Transaction transaction;
  const auto request = find_reappend_request();
  reappend_wanted_ = request.has_value();
  if (request) {
    StorageCommit commit(buckets_, head_, decoder_);
    brigade::carry_out(*request, commit);
    commit.finish(head_.lsn);
  }
  transaction.commit();
  return reappend_wanted_;
}

void Worker::activate_if_filled() {
  if (!pending_ || !pending_->begun || !catalog_seen_ || copier_.has_work()) return;
  {
    pg::Transaction transaction;
    StorageCommit commit(buckets_, head_, decoder_);
    activate_config(pending_->id, pg::settings().rollback_window_s);
    commit.note_config_change();
    commit.finish(head_.lsn);
    transaction.commit();
  }
  pg::log_info("config " + std::to_string(pending_->id) + " is active");
  buckets_ = BucketCache();
  load();
}

void Worker::open_reader() {
  reader_ = std::make_unique<pg::LogicalReader>(slot_name_, head_.lsn);
  confirmed_lsn_ = head_.lsn;
}

void Worker::follow() {
  if (reader_ == nullptr) open_reader();
  while (reader_->read_next()) {
    store_if_large();
    pg::handle_worker_interrupts();
  }
  if (!messages_.empty()) store(decoder_.last_end_lsn());
  forget_old(decoder_.recent_transactions());
  confirm_idle_position();
}

// A watermark of a process that reads has mostly been flushed by the last storage commit.
void Worker::follow_to(uint64_t position) {
  pg::flush_wal(position);
  while (reader_->position() < position && reader_->read_next()) {
    store_if_large();
    pg::handle_worker_interrupts();
  }
}

void Worker::store_if_large() {
  if (messages_.size() >= batch_bytes_max) store(decoder_.last_end_lsn());
}

template <typename Write>
void Worker::write_commit(uint64_t lsn, Write&& write) {
  {
    pg::Transaction transaction;
    StorageCommit commit(buckets_, head_, decoder_);
    commit.expect_copies(copier_.expected());
    write(commit);
    commit.finish(lsn);
    transaction.commit();
  }
  buckets_.trim();
  confirm(head_.lsn);
}

void Worker::store(uint64_t lsn) {
  write_commit(lsn, [&](StorageCommit& commit) {
    messages_.consume([&](std::string_view part) { commit.apply(part); });
  });
  decoder_.clear_messages();
}

void Worker::confirm(uint64_t lsn) {
  reader_->confirm(lsn);
  confirmed_lsn_ = lsn;
  confirmed_at_ = std::chrono::steady_clock::now();
}

// WAL that holds nothing for us is not kept for long; and pg_upgrade takes over a slot only if all
// that was committed is confirmed.
void Worker::confirm_idle_position() {
  const uint64_t position = reader_->position();
  const bool long_ago = std::chrono::steady_clock::now() >= confirmed_at_ + confirm_interval;
  if (position < confirmed_lsn_ + (long_ago ? 1 : confirm_bytes_min)) return;
  confirm(position);
}

}  // namespace brigade
