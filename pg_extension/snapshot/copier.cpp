#include "snapshot/copier.h"

#include <algorithm>

#include "pg/background_worker.h"
#include "pg/error.h"
#include "pg/settings.h"
#include "pg/transaction.h"
#include "storage/held_rows.h"

namespace brigade {

namespace {

// Some megabytes.
constexpr size_t known_rows_max = 100000;

// Nothing of a table that is locked or gone: it is passed over.
int64_t blocks_left(const TableCopy& copy) {
  const pg::OpenTable table(copy.relation);
  return table.is_open() ? table.block_count() - copy.next.block : 0;
}

}  // namespace

void Copier::load(const ActivePlans& plans) {
  plans_ = plans;
  copies_ = load_copies();
  // A small table does not wait for a large one. That which was begun of two equal ones goes on.
  std::ranges::stable_sort(copies_, {}, blocks_left);
  definitions_.clear();
  for (const TableCopy& copy : copies_) {
    definitions_.insert(copy.definitions.begin(), copy.definitions.end());
  }
  std::erase_if(known_, [&](const auto& entry) {
    return std::ranges::none_of(copies_,
                                [&](const TableCopy& copy) { return copy.id == entry.first; });
  });
}

std::set<std::array<char, 4>> Copier::tables() const {
  std::set<std::array<char, 4>> tables;
  for (const TableCopy& copy : copies_) tables.insert(copy.target().table);
  return tables;
}

void Copier::note_stored(const TouchedRows& touched) {
  for (const TableCopy& copy : copies_) {
    const auto known = known_.find(copy.id);
    if (known == known_.end()) continue;
    SubkeySet& stored = known->second.stored;
    const std::array<char, 4> table = copy.target().table;
    for (const Subkey& row : touched.rows) {
      if (table_of(row) == table) stored.insert(row);
    }
    if (touched.too_many || stored.size() > known_rows_max) known_.erase(known);
  }
}

bool Copier::read(const std::vector<uint32_t>& decoded) {
  pg::Transaction transaction;
  if (!pg::active_snapshot_is_settled(decoded)) return false;
  for (current_ = 0; current_ < copies_.size(); current_++) {
    if (read(copies_[current_])) break;
  }
  transaction.commit();
  return chunk_.has_value();
}

bool Copier::read(TableCopy& copy) {
  const pg::OpenTable table(copy.relation);
  // A table that was dropped leaves the queue when the catalog is looked at.
  if (!table.is_open()) return false;
  if (!copy.started || copy.file_node != table.file_node()) start(copy, table);
  const TableBinding binding = bind_table(table.relation(), plans_, other_definitions(copy));
  chunk_ = read_chunk(table, binding, copy.next, chunk_size_.rows());
  return true;
}

void Copier::start(TableCopy& copy, const pg::OpenTable& table) {
  start_copy(copy, table);
  known_.erase(copy.id);
  auto held = HeldRows::subkeys(copy.target(), known_rows_max);
  if (held) known_.emplace(copy.id, Known{std::move(*held), {}});
}

std::vector<int32_t> Copier::other_definitions(const TableCopy& copy) const {
  std::vector<int32_t> others;
  for (const auto& plan : plans_) {
    for (const int32_t id : plan->definition_ids) {
      const auto& own = copy.definitions;
      if (std::find(own.begin(), own.end(), id) == own.end()) others.push_back(id);
    }
  }
  return others;
}

void Copier::copy_all(StorageCommit& commit) {
  while (has_work()) {
    commit.expect_copies(definitions_);
    current_ = 0;
    if (!read(copies_.front())) {
      throw pg::Error("55P03", "table " + copies_.front().table_name + " is locked or gone", {},
                      "The worker tries again; end the session that holds the lock.");
    }
    store(commit, TouchedRows());
  }
}

void Copier::log_progress(const TableCopy& copy) {
  const std::chrono::milliseconds interval(pg::settings().progress_log_interval_ms);
  const auto now = std::chrono::steady_clock::now();
  if (interval.count() == 0 || now - logged_at_ < interval) return;
  logged_at_ = now;
  pg::log_info(describe_progress(copy));
}

void Copier::store(StorageCommit& commit, const TouchedRows& touched) {
  if (!chunk_) return;
  last_row_count_ = chunk_->row_count;
  if (touched.too_many) return chunk_.reset();
  TableCopy& copy = copies_[current_];
  const auto known = known_.find(copy.id);
  const Known* rows = known == known_.end() ? nullptr : &known->second;
  chunk_->leave_out([&](const Subkey& row) {
    return touched.contains(row) || (rows != nullptr && rows->stored.contains(row));
  });
  commit.apply_copied(chunk_->messages, rows == nullptr ? nullptr : &rows->held);
  copy.next = chunk_->next;
  copy.row_count += chunk_->row_count;
  const bool at_end = chunk_->at_end;
  chunk_.reset();
  if (!at_end) {
    store_progress(copy);
    return log_progress(copy);
  }
  commit.remove_unseen(copy.target());
  end_copy(copy);
  pg::log_info("copied " + std::to_string(copy.row_count) + " rows of " + copy.table_name);
  load(ActivePlans(plans_));
}

}  // namespace brigade
