#include "fanout/batch_reader.h"

#include <algorithm>
#include <utility>

namespace brigade::sidecar {

namespace {

/// What an entry costs besides its lines.
constexpr size_t entry_overhead_bytes = 512;

uint8_t bit(LineFormat format) { return static_cast<uint8_t>(1U << static_cast<unsigned>(format)); }

DataBatch describe(const OperationRange& range, const OperationRows& rows) {
  const std::vector<Operation>& operations = rows.operations;
  DataBatch batch;
  batch.target_op_id_max = rows.cleared_until;
  // The last operation of a range was announced, and compaction leaves something in its place.
  batch.is_lost = operations.empty() && rows.cleared_until == 0;
  batch.operation_count = static_cast<uint32_t>(operations.size());
  batch.next_after = operations.empty() ? range.until : operations.back().op_id;
  batch.has_more = batch.next_after < range.until;
  for (const Operation& operation : operations) {
    batch.target_op_id_max = std::max(batch.target_op_id_max, operation.target_op_id);
  }
  return batch;
}

}  // namespace

size_t BatchReader::RangeHash::operator()(const OperationRange& range) const {
  // Multiplying by odd constants spreads the small, dense numbers that op ids are.
  auto mixed = static_cast<uint64_t>(range.bucket) * 0x9e3779b97f4a7c15U;
  mixed = (mixed ^ static_cast<uint64_t>(range.after)) * 0xc2b2ae3d27d4eb4fU;
  return (mixed ^ static_cast<uint64_t>(range.until)) * 0x9e3779b97f4a7c15U;
}

bool BatchReader::holds(const OperationRange& range, LineFormat format) const {
  auto found = by_range_.find(range);
  return found != by_range_.end() && (found->second->wanted_formats & bit(format)) != 0;
}

const DataBatch* BatchReader::read(const OperationRange& range, const std::string& bucket_name,
                                   LineFormat format, Callback done) {
  Entry& entry = use(range, bucket_name);
  if ((entry.encoded_formats & bit(format)) != 0) {
    const DataBatch& batch = entry.batches[static_cast<size_t>(format)];
    read_ahead(entry, batch, bit(format));
    return &batch;
  }
  entry.waiters.push_back({format, std::move(done)});
  if (must_fetch(entry, bit(format))) fetch({range});
  return nullptr;
}

/// The entry of a range, from now on the one most recently used.
BatchReader::Entry& BatchReader::use(const OperationRange& range, const std::string& bucket_name) {
  auto [found, added] = by_range_.try_emplace(range);
  if (added) {
    found->second = entries_.emplace(entries_.begin());
    found->second->range = range;
    found->second->bucket_name = bucket_name;
  } else {
    entries_.splice(entries_.begin(), entries_, found->second);
  }
  return entries_.front();
}

/// Of an entry that is not being read, and not kept in all of these formats.
bool BatchReader::must_fetch(Entry& entry, uint8_t formats) {
  entry.wanted_formats |= formats;
  bool is_kept = (formats & ~entry.encoded_formats) == 0;
  return !is_kept && !std::exchange(entry.loading, true);
}

void BatchReader::expect(const std::vector<Expected>& expected, LineFormat format) {
  std::vector<OperationRange> missing;
  for (const Expected& next : expected) {
    if (must_fetch(use(next.range, *next.bucket_name), bit(format))) missing.push_back(next.range);
  }
  if (!missing.empty()) fetch(std::move(missing));
}

/// Postgres reads the next batch while this one is encoded and sent. Only a batch that somebody
/// took leads to the next, so at most one is read in vain.
void BatchReader::read_ahead(const Entry& entry, const DataBatch& batch, uint8_t formats) {
  if (!batch.has_more) return;
  OperationRange rest{entry.range.bucket, batch.next_after, entry.range.until};
  if (must_fetch(use(rest, entry.bucket_name), formats)) fetch({rest});
}

void BatchReader::fetch(std::vector<OperationRange> ranges) {
  read_count_++;
  storage_.read_operations(ranges,
                           [this, ranges](Result<std::vector<OperationRows>, StorageError> answer) {
                             on_answer(ranges, std::move(answer));
                           });
}

void BatchReader::on_answer(const std::vector<OperationRange>& ranges,
                            Result<std::vector<OperationRows>, StorageError> answer) {
  std::vector<Ready> ready;
  for (size_t i = 0; i < ranges.size(); i++) {
    if (!answer) {
      on_failure(ranges[i], answer.error(), ready);
    } else if (i < answer->size()) {
      on_rows(ranges[i], (*answer)[i], ready);
    } else {
      on_not_read(ranges[i]);
    }
  }
  forget_oldest();
  // Who waited for the first of these will find the others at hand.
  for (const Ready& one : ready) one.done(one.batch);
}

void BatchReader::on_not_read(const OperationRange& range) {
  Entry& entry = *by_range_.at(range);
  if (entry.waiters.empty()) {
    forget(entry);
  } else {
    fetch({range});
  }
}

void BatchReader::on_failure(const OperationRange& range, const StorageError& error,
                             std::vector<Ready>& ready) {
  Entry& entry = *by_range_.at(range);
  for (Waiter& waiter : entry.waiters) ready.push_back({std::move(waiter.done), error});
  forget(entry);
}

void BatchReader::on_rows(const OperationRange& range, const OperationRows& rows,
                          std::vector<Ready>& ready) {
  auto place = by_range_.at(range);
  // What others took meanwhile is not more recent than what nobody has taken yet.
  entries_.splice(entries_.begin(), entries_, place);
  Entry& entry = *place;
  entry.loading = false;
  if (!entry.waiters.empty()) read_ahead(entry, describe(range, rows), entry.wanted_formats);
  encode(entry, rows);
  for (Waiter& waiter : std::exchange(entry.waiters, {})) {
    ready.push_back({std::move(waiter.done), entry.batches[static_cast<size_t>(waiter.format)]});
  }
}

void BatchReader::encode(Entry& entry, const OperationRows& rows) {
  DataBatch batch = describe(entry.range, rows);
  DataLine line{entry.bucket_name, entry.range.after, batch.next_after, batch.has_more};
  kept_bytes_ += entry.bytes == 0 ? entry_overhead_bytes : 0;
  entry.bytes = std::max(entry.bytes, entry_overhead_bytes);
  for (size_t i = 0; i < line_format_count; i++) {
    auto format = static_cast<LineFormat>(i);
    auto missing = static_cast<uint8_t>(entry.wanted_formats & ~entry.encoded_formats);
    if ((missing & bit(format)) == 0) continue;
    if (!rows.operations.empty()) {
      batch.line = std::make_shared<const std::string>(encode_data(format, line, rows.operations));
      entry.bytes += batch.line->size();
      kept_bytes_ += batch.line->size();
    }
    entry.batches[i] = batch;
    entry.encoded_formats |= bit(format);
  }
}

void BatchReader::forget(Entry& entry) {
  kept_bytes_ -= entry.bytes;
  auto found = by_range_.find(entry.range);
  entries_.erase(found->second);
  by_range_.erase(found);
}

void BatchReader::forget_oldest() {
  for (auto entry = entries_.end(); kept_bytes_ > kept_bytes_max_ && entry != entries_.begin();) {
    --entry;
    if (entry->loading) continue;
    auto newer = std::next(entry);
    forget(*entry);
    entry = newer;
  }
}

void BatchReader::clear() {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    auto next = std::next(entry);
    if (!entry->loading) forget(*entry);
    entry = next;
  }
}

}  // namespace brigade::sidecar
