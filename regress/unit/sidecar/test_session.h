#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fanout/batch_reader.h"
#include "fanout/hub.h"
#include "session/session.h"

namespace brigade::sidecar {

/// Storage in memory. Answers wait until `answer_all`, so that a test decides what happens before.
class FakeStorage : public Storage {
 public:
  struct StoredOperation {
    StoredOperation(int64_t id = 0) : op_id(id) {}  // NOLINT: a bare op id stands for a row
    int64_t op_id;
    OperationKind kind = OperationKind::put;
    std::string object_type = "lists";
    std::string object_id;
    std::string subkey = "s";
    uint32_t checksum = 1;
    std::optional<std::string> data = "{}";
    int64_t target_op_id = 0;
  };

  std::map<int64_t, std::map<int64_t, StoredOperation>> buckets;  ///< by bucket id, then op id
  std::function<Result<Resolution, StorageError>()> on_resolve;
  int resolve_count = 0;
  int read_count = 0;
  size_t rows_per_read = 1000;
  size_t ranges_per_read = 1000;  ///< of several ranges, those that come after are not read
  bool broken = false;

  void resolve(std::string, StorageCallback<Resolution> done) override {
    resolve_count++;
    later_.push_back([this, done] { done(on_resolve()); });
  }
  void read_operations(const std::vector<OperationRange>& ranges,
                       StorageCallback<std::vector<OperationRows>> done) override {
    read_count++;
    later_.push_back([this, ranges, done] {
      broken ? done(StorageError{"", "gone", "", true}) : done(read(ranges));
    });
  }
  void create_write_checkpoint(const std::string&, const std::string&,
                               StorageCallback<int64_t>) override {}
  void request_checkpoint(const std::string&, const std::string&, int64_t,
                          StorageCallback<int64_t>) override {}

  bool answer_one() {
    if (later_.empty()) return false;
    auto answer = std::move(later_.front());
    later_.pop_front();
    answer();
    return true;
  }
  size_t unanswered() const { return later_.size(); }

 private:
  std::vector<OperationRows> read(const std::vector<OperationRange>& ranges) {
    std::vector<OperationRows> answers;
    for (size_t left = rows_per_read; left > 0 && answers.size() < ranges.size();) {
      answers.push_back(rows(ranges[answers.size()], left));
      left -= answers.back().operations.size();
    }
    return answers;
  }

  OperationRows rows(const OperationRange& range, size_t count_max) {
    OperationRows rows;
    auto& stored = buckets[range.bucket];
    for (auto it = stored.upper_bound(range.after);
         it != stored.end() && it->first <= range.until && rows.operations.size() < count_max;
         ++it) {
      const StoredOperation& op = it->second;
      Operation row{op.op_id,    op.kind, op.object_type, op.object_id, op.subkey,
                    op.checksum, {},      op.target_op_id};
      if (op.data) row.data = *op.data;
      rows.operations.push_back(row);
    }
    const auto next = stored.upper_bound(range.after);
    if (next != stored.end() && next->second.kind == OperationKind::clear &&
        next->first > range.until) {
      rows.cleared_until = next->first;
    }
    return rows;
  }

  std::deque<std::function<void()>> later_;
};

/// A session without sockets: what it sends is kept as text, and time stands still.
class TestSession : public SessionHost {
 public:
  TestSession(FakeStorage& storage, Hub& hub, BatchReader& batches, SessionOptions options)
      : storage_(storage), hub_(hub), batches_(batches), session(std::move(options), *this) {
    hub_.add(session);
  }
  ~TestSession() {
    if (!ended) hub_.remove(session);
  }

  /// Everything sent since the last call.
  std::string take_sent() { return std::exchange(sent_, {}); }
  /// Answers storage until nothing is asked for.
  void settle() {
    do {
      take_wanted();
    } while (storage_.answer_one() || wanted_);
  }
  void take_wanted() {
    while (wanted_) {
      OperationRange range = *std::exchange(wanted_, std::nullopt);
      const DataBatch* kept =
          batches_.read(range, bucket_name_, session.format(),
                        [this, range](const Result<DataBatch, StorageError>& batch) {
                          if (batch) {
                            session.on_batch(range, *batch);
                          } else {
                            session.on_read_failed(range, batch.error().transient);
                          }
                        });
      if (kept != nullptr) session.on_batch(range, DataBatch(*kept));
    }
  }

  int64_t now = 1'000'000;
  int64_t timer_at = 0;
  bool is_writable = true;
  bool ended = false;
  CloseReason reason{};
  std::optional<ProtocolError> refusal;

  void resolve() override {
    storage_.resolve("", [this](Result<Resolution, StorageError> resolution) {
      if (resolution) {
        session.on_resolved(std::move(*resolution));
      } else {
        session.on_resolve_failed({}, resolution.error().transient);
      }
    });
  }
  void attach(Resolution resolution) override { hub_.attach(session, std::move(resolution)); }
  void expect(const std::vector<ExpectedRead>& reads) override {
    std::vector<BatchReader::Expected> expected;
    for (const ExpectedRead& read : reads) expected.push_back({read.range, &read.bucket->name});
    batches_.expect(expected, session.format());
  }
  bool holds(const OperationRange& range) const override {
    return batches_.holds(range, session.format());
  }
  void read(const OperationRange& range, const Bucket& bucket) override {
    wanted_ = range;
    bucket_name_ = bucket.name;
  }
  void send(SharedBytes line) override { sent_ += *line; }
  bool writable() const override { return is_writable; }
  int64_t now_ms() const override { return now; }
  void set_timer(int64_t delay_ms) override { timer_at = now + delay_ms; }
  int64_t keepalive_interval_ms() override { return 20'000; }
  void refuse(const ProtocolError& error) override {
    refusal = error;
    leave();
  }
  void end(CloseReason close_reason) override {
    reason = close_reason;
    leave();
  }

 private:
  void leave() {
    ended = true;
    hub_.remove(session);
  }

  FakeStorage& storage_;
  Hub& hub_;
  BatchReader& batches_;
  std::string sent_;
  std::optional<OperationRange> wanted_;
  std::string bucket_name_;

 public:
  Session session;
};

}  // namespace brigade::sidecar
