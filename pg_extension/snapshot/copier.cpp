#include "snapshot/copier.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "pg/background_worker.h"
#include "pg/error.h"
#include "pg/logical_slot.h"
#include "pg/settings.h"
#include "pg/transaction.h"
#include "snapshot/gathering.h"
#include "storage/gathered_rows.h"
#include "storage/held_rows.h"

namespace brigade {

namespace {

constexpr size_t known_held_rows_max = 10000;  // read at once, in some milliseconds
// Between two attempts to start a process that reads.
constexpr auto relaunch_interval = std::chrono::seconds(10);

// Nothing of a table that is locked or gone: it is passed over.
int64_t blocks_left(const TableCopy& copy) {
  const pg::OpenTable table(copy.relation);
  return table.is_open() ? table.block_count() - copy.next.block : 0;
}

// Worth a process that reads it.
bool is_large(const TableCopy& copy) {
  const pg::Settings settings = pg::settings();
  return settings.copy_readers > 0 && copy.blocks_left >= settings.copy_reader_blocks_min;
}

}  // namespace

void Copier::load(const ActivePlans& plans) {
  if (plans_ != plans) {
    plans_ = plans;
    plans_version_++;
    readings_.clear();
  }
  std::vector<TableCopy> copies = load_copies();
  for (TableCopy& copy : copies) {
    const TableCopy* known = find(copy.id);
    // What was read for a definition that does not show the table any more must not reach it.
    if (known != nullptr && known->definitions != copy.definitions) give_up_readings(copy.id);
    copy.blocks_left = known == nullptr ? blocks_left(copy) : known->blocks_left;
  }
  copies_ = std::move(copies);
  // A small table does not wait for a large one. That which was begun of two equal ones goes on.
  // What was begun of one table comes before what is to be.
  std::map<uint32_t, int64_t> begun;
  for (const TableCopy& copy : copies_) {
    if (copy.phase != CopyPhase::waiting) begun.emplace(copy.relation, copy.blocks_left);
  }
  for (TableCopy& copy : copies_) {
    const auto first = begun.find(copy.relation);
    if (first != begun.end()) copy.blocks_left = std::max(copy.blocks_left, first->second);
  }
  std::ranges::stable_sort(copies_, {}, [](const TableCopy& copy) {
    return std::make_pair(copy.blocks_left, copy.phase == CopyPhase::waiting);
  });
  forget_what_left();
}

// What is known of copies that are not in the queue any more.
void Copier::forget_what_left() {
  std::erase_if(known_, [&](const auto& entry) { return find(entry.first) == nullptr; });
  std::erase_if(readings_, [&](const Reading& reading) { return find(reading.copy) == nullptr; });
  if (copies_.empty()) readers_.clear();
  note_expected();
}

void Copier::note_expected() {
  expected_ = {};
  for (const TableCopy& copy : copies_) {
    for (const int32_t definition : copy.definitions) {
      expected_.definitions.insert(definition);
      if (copy.started() && copy.gathering.held > 0) {
        expected_.started.emplace(definition, copy.target().table);
      }
    }
  }
}

std::set<std::array<char, 4>> Copier::tables() const {
  std::set<std::array<char, 4>> tables;
  for (const TableCopy& copy : copies_) tables.insert(copy.target().table);
  return tables;
}

TableCopy* Copier::find(int64_t id) {
  const auto copy = std::ranges::find(copies_, id, &TableCopy::id);
  return copy == copies_.end() ? nullptr : &*copy;
}

void Copier::note_touched(const TouchedRows& touched) {
  if (touched.rows.empty() && touched.tables.empty() && !touched.too_many) return;
  std::multimap<std::array<char, 4>, TouchedRows*> noted;
  for (Reading& reading : readings_) noted.emplace(reading.table, &reading.touched);
  for (const TableCopy& copy : copies_) {
    const auto known = known_.find(copy.id);
    if (known != known_.end()) noted.emplace(copy.target().table, &known->second.stored);
  }
  for (const Subkey& row : touched.rows) {
    const auto [begin, end] = noted.equal_range(table_of(row));
    for (auto one = begin; one != end; one++) one->second->rows.insert(row);
  }
  for (const auto& [table, rows] : noted) rows->note_others(touched, table);
  std::erase_if(known_, [](const auto& entry) { return entry.second.stored.too_many; });
}

// Of each table one chunk may wait to be stored while the next is read.
std::optional<pg::RowLocation> Copier::next_start(const TableCopy& copy) const {
  if (copy.phase != CopyPhase::copying) return std::nullopt;
  std::optional<pg::RowLocation> start = copy.next;
  int count = 0;
  for (const Reading& reading : readings_) {
    if (reading.copy != copy.id) continue;
    const bool goes_on = ++count == 1 && reading.chunk && !reading.chunk->at_end;
    start = goes_on ? std::optional(reading.chunk->next) : std::nullopt;
  }
  return start;
}

bool Copier::may_read_here() const { return std::ranges::none_of(readings_, &Reading::here); }

bool Copier::may_ask_reader() const {
  const auto is_idle = [](const auto& reader) { return !reader->is_busy(); };
  return std::ranges::any_of(readers_, is_idle) ||
         (readers_.size() < static_cast<size_t>(pg::settings().copy_readers) &&
          std::chrono::steady_clock::now() >= next_launch_);
}

// A large table is read here only if there are no readers: otherwise one will be free.
bool Copier::can_be_read_on(const TableCopy& copy) const {
  if (!next_start(copy)) return false;
  if (!is_large(copy)) return may_read_here();
  return may_ask_reader() || (readers_.empty() && may_read_here());
}

// A snapshot that sees all that was decoded before is taken first, so that those of other processes
// do as well: what they do not see is decoded, and noted, from now on.
void Copier::read(std::vector<uint32_t>& decoded) {
  collect_answers();
  const auto can_go_on = [&](const TableCopy& copy) { return can_be_read_on(copy); };
  if (std::ranges::none_of(copies_, can_go_on)) return;
  {
    pg::Transaction transaction;
    if (!pg::active_snapshot_is_settled(decoded)) return;
    decoded.clear();
    // Of two copies of one table the later one compares with what the earlier makes.
    std::set<uint32_t> relations;
    for (TableCopy& copy : copies_) {
      if (relations.insert(copy.relation).second && can_be_read_on(copy)) read_on(copy);
    }
    transaction.commit();
  }
  for (Reading& reading : readings_) {
    if (reading.here && reading.chunk->watermark == 0) {
      reading.chunk->watermark = pg::write_watermark();
    }
  }
}

void Copier::read_on(TableCopy& copy) {
  const pg::OpenTable table(copy.relation);
  // A table that was dropped leaves the queue when the catalog is looked at.
  if (!table.is_open()) return;
  if (copy.file_node != table.file_node()) {
    // The rows may have other keys now, and what they mean is gathered anew.
    give_up_readings(copy.id);
    copy.phase = CopyPhase::waiting;
    copy.blocks_left = table.block_count();
    return note_expected();
  }
  const pg::RowLocation from = *next_start(copy);
  copy.blocks_left = table.block_count() - from.block;
  if (is_large(copy) && ask_reader(copy, from)) return;
  if (may_read_here()) read_here(copy, table, from);
}

void Copier::read_here(const TableCopy& copy, const pg::OpenTable& table, pg::RowLocation from) {
  const auto started_at = std::chrono::steady_clock::now();
  Chunk chunk = read_chunk(table, plans_, copy.definitions, from, chunk_size_.rows());
  Reading& reading = readings_.emplace_back(copy.id, copy.target().table);
  reading.here = true;
  reading.chunk = std::move(chunk);
  reading.taken = std::chrono::steady_clock::now() - started_at;
}

bool Copier::ask_reader(const TableCopy& copy, pg::RowLocation from) {
  CopyReader* reader = free_reader();
  if (reader == nullptr) return false;
  const ChunkRequest request{plans_version_, copy.relation,      copy.file_node,
                             from,           chunk_size_.rows(), copy.definitions};
  if (!reader->ask(request)) {
    lose(reader);
    return false;
  }
  readings_.emplace_back(copy.id, copy.target().table).reader = reader;
  return true;
}

CopyReader* Copier::free_reader() {
  if (!may_ask_reader()) return nullptr;
  for (const auto& reader : readers_) {
    if (!reader->is_busy()) return reader.get();
  }
  auto reader = CopyReader::launch();
  if (reader != nullptr) return readers_.emplace_back(std::move(reader)).get();
  next_launch_ = std::chrono::steady_clock::now() + relaunch_interval;
  pg::log_warning("no free slot for a copy reader: raise max_worker_processes");
  return nullptr;
}

void Copier::collect_answers() {
  std::vector<const CopyReader*> gone;
  for (const auto& reader : readers_) {
    if (!reader->is_busy()) continue;
    std::optional<Chunk> chunk;
    const CopyReader::State state = reader->poll(chunk);
    if (state == CopyReader::State::gone) gone.push_back(reader.get());
    if (state == CopyReader::State::answered) take_answer(*reader, std::move(chunk));
  }
  for (const CopyReader* reader : gone) lose(reader);
}

// Nobody waits for what was given up meanwhile.
void Copier::take_answer(const CopyReader& reader, std::optional<Chunk> chunk) {
  const auto reading = std::ranges::find(readings_, &reader, &Reading::reader);
  if (reading == readings_.end()) return;
  if (!chunk) {
    readings_.erase(reading);
    return;
  }
  reading->reader = nullptr;
  reading->chunk = std::move(chunk);
}

// Whatever ended it may end the next one too, and this process reads meanwhile.
void Copier::lose(const CopyReader* reader) {
  std::erase_if(readings_, [&](const Reading& reading) { return reading.reader == reader; });
  std::erase_if(readers_, [&](const auto& one) { return one.get() == reader; });
  next_launch_ = std::chrono::steady_clock::now() + relaunch_interval;
  pg::log_warning("a copy reader ended early; the server's log says why");
}

void Copier::give_up_readings(int64_t copy) {
  std::erase_if(readings_, [&](const Reading& reading) { return reading.copy == copy; });
}

bool Copier::waits_for_reader() const {
  return std::ranges::any_of(readers_, [](const auto& reader) { return reader->is_busy(); });
}

std::optional<uint64_t> Copier::watermark() const {
  const auto ready = std::ranges::find_if(readings_, &Reading::is_ready);
  if (ready == readings_.end()) return std::nullopt;
  return ready->chunk->watermark;
}

bool Copier::gather_part() {
  if (std::ranges::all_of(copies_, &TableCopy::started)) return false;
  pg::Transaction transaction;
  // Two copies of one table share what is held: one is over before the next gathers that anew.
  std::set<uint32_t> relations;
  const auto waiting = std::ranges::find_if(copies_, [&](TableCopy& copy) {
    if (!relations.insert(copy.relation).second || copy.started()) return false;
    const pg::OpenTable table(copy.relation);
    if (table.is_open()) gather(copy, table);
    return table.is_open();
  });
  transaction.commit();
  return waiting != copies_.end();
}

void Copier::gather(TableCopy& copy, const pg::OpenTable& table) {
  Gathering gathering(copy, forgetting_definitions(copy, table));
  if (gathering.read_part(gathering_size_.rows())) start(copy, table);
  part_size_ = &gathering_size_;
  last_part_ = gathering.examined();
  last_row_count_ = gathering.row_count();
}

// A definition that is new remembers nothing, whatever others remember of the table.
std::vector<int32_t> Copier::forgetting_definitions(const TableCopy& copy,
                                                    const pg::OpenTable& table) const {
  if (copy.gathering.step > GatheringStep::memberships) return {};
  std::vector<int32_t> forgetting;
  const TableBinding binding = bind_definitions(table, plans_, copy.definitions);
  for (const PlanBinding& plan : binding.plans) {
    std::ranges::copy_if(plan.located.bucket_sources, std::back_inserter(forgetting), has_buckets);
  }
  return forgetting;
}

void Copier::start(TableCopy& copy, const pg::OpenTable& table) {
  start_copy(copy, table);
  std::optional<SubkeySet> held(std::in_place);
  if (copy.gathering.held > 0) held = HeldRows::subkeys(copy.target(), known_held_rows_max);
  known_[copy.id] = Known{std::move(held), {}};
  note_expected();
}

bool Copier::is_removing() const {
  return std::ranges::find(copies_, CopyPhase::removing, &TableCopy::phase) != copies_.end();
}

void Copier::remove_part(StorageCommit& commit) {
  remove_unseen(commit, *std::ranges::find(copies_, CopyPhase::removing, &TableCopy::phase));
}

void Copier::remove_unseen(StorageCommit& commit, TableCopy& copy) {
  std::optional<Subkey> next = copy.next_subkey;
  last_row_count_ = commit.remove_unseen(copy.target(), removal_size_.rows(), next);
  part_size_ = &removal_size_;
  last_part_ = last_row_count_;
  if (!next) return end(copy);
  copy.next_subkey = *next;
  store_progress(copy);
}

void Copier::note_part_in(ChunkSize::Duration taken) {
  if (last_part_ > 0) part_size_->learn(last_part_, taken);
}

void Copier::copy_all(StorageCommit& commit) {
  while (has_work()) {
    commit.expect_copies(expected_);
    TableCopy& copy = copies_.front();
    if (copy.phase == CopyPhase::removing) {
      remove_unseen(commit, copy);
    } else {
      read_now(commit, copy);
    }
  }
}

void Copier::read_now(StorageCommit& commit, TableCopy& copy) {
  const pg::OpenTable table(copy.relation);
  if (!table.is_open()) {
    throw pg::Error("55P03", "table " + copy.table_name + " is locked or gone", {},
                    "The worker tries again; end the session that holds the lock.");
  }
  if (!copy.started()) return gather(copy, table);
  store(commit, copy, read_chunk(table, plans_, copy.definitions, copy.next, chunk_size_.rows()),
        {});
}

void Copier::log_progress(const TableCopy& copy) {
  const std::chrono::milliseconds interval(pg::settings().progress_log_interval_ms);
  const auto now = std::chrono::steady_clock::now();
  if (interval.count() == 0 || now - logged_at_ < interval) return;
  logged_at_ = now;
  pg::log_info(describe_progress(copy));
}

void Copier::store(StorageCommit& commit) {
  const auto ready = std::ranges::find_if(readings_, &Reading::is_ready);
  Reading reading = std::move(*ready);
  readings_.erase(ready);
  last_row_count_ = reading.chunk->row_count;
  last_read_in_ = reading.taken;
  TableCopy& copy = *find(reading.copy);
  if (reading.touched.too_many) return give_up_readings(copy.id);
  store(commit, copy, std::move(*reading.chunk), reading.touched);
}

void Copier::store(StorageCommit& commit, TableCopy& copy, Chunk chunk,
                   const TouchedRows& touched) {
  const auto known = known_.find(copy.id);
  const Known* rows = known == known_.end() ? nullptr : &known->second;
  chunk.leave_out([&](const Subkey& row) {
    return touched.contains(row) || (rows != nullptr && rows->stored.rows.contains(row));
  });
  commit.apply_copied(chunk.messages, rows != nullptr && rows->held ? &*rows->held : nullptr);
  copy.next = chunk.next;
  copy.row_count += chunk.row_count;
  if (chunk.at_end && copy.gathering.held == 0) return end(copy);
  if (chunk.at_end) start_removing(copy);
  store_progress(copy);
  log_progress(copy);
}

void Copier::end(const TableCopy& copy) {
  end_copy(copy);
  pg::log_info("copied " + std::to_string(copy.row_count) + " rows of " + copy.table_name);
  copies_.erase(copies_.begin() + (&copy - copies_.data()));
  forget_what_left();
  // A pause is between turns of a queue, not before what comes into it later.
  if (!has_work()) last_row_count_ = 0;
}

void Copier::note_stored_in(ChunkSize::Duration taken) {
  chunk_size_.learn(last_row_count_, last_read_in_ + taken);
}

}  // namespace brigade
