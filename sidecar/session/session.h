#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fanout/data_batch.h"
#include "fanout/member.h"
#include "protocol/error.h"
#include "protocol/line.h"

namespace brigade::sidecar {

/// Why a stream ended, for the log and the metrics.
enum class CloseReason : uint8_t {
  client_closed,
  token_expired,
  shutting_down,
  slow_client,
  failed,
};
std::string_view close_reason_name(CloseReason reason);

/// What a session asks of the world around it. No call but `attach` calls the session back before
/// it returns.
class SessionHost {
 public:
  /// Asks storage for the session's resolution; answered by `on_resolved` or `on_resolve_failed`.
  virtual void resolve() = 0;
  /// Hands the resolution to the hub; answered by `on_attached` or `on_resolution_outdated`.
  virtual void attach(Resolution resolution) = 0;
  struct ExpectedRead {
    OperationRange range;
    const Bucket* bucket;
  };
  /// These will be read next, in this order: they are small, and may be fetched together.
  virtual void expect(const std::vector<ExpectedRead>& reads) = 0;
  /// Whether the operations of `range` are at hand, or on their way.
  virtual bool holds(const OperationRange& range) const = 0;
  /// Reads the operations of `range`, or the first of them; answered by `on_batch`.
  virtual void read(const OperationRange& range, const Bucket& bucket) = 0;
  virtual void send(SharedBytes line) = 0;
  /// False while the client is slow to take what was sent; `on_drained` follows.
  virtual bool writable() const = 0;
  /// Milliseconds since 1970.
  virtual int64_t now_ms() const = 0;
  /// `on_timer` is called once, `delay_ms` from now; replaces an earlier call.
  virtual void set_timer(int64_t delay_ms) = 0;
  /// A fresh time between two keepalives: 20 s ± 10 %, so that clients do not march in step.
  virtual int64_t keepalive_interval_ms() = 0;
  /// The first line is about to be sent; until then `refuse` may answer with an error status.
  virtual void refuse(const ProtocolError& error) = 0;
  /// Ends the stream after what was sent.
  virtual void end(CloseReason reason) = 0;

 protected:
  ~SessionHost() = default;
};

struct SessionOptions {
  std::string user_id;
  std::string client_id;
  LineFormat format = LineFormat::ndjson_raw;
  int64_t token_expires_at_ms = 0;
  /// Bucket name → the op id up to which the client already has it.
  std::unordered_map<std::string, int64_t> positions;
};

/// One sync stream: what the client has, what it was told, and what to send next. No I/O: events
/// come in through the `on_…` functions, actions go out through the host.
///
/// Order of lines: checkpoint or checkpoint_diff, the data of the buckets it names by priority, a
/// partial_checkpoint_complete after every priority but the last, checkpoint_complete. A newer
/// state that concerns a higher priority than the one under way is announced at once, and only
/// the newest is completed; other news waits for the completion.
class Session : public Member {
 public:
  struct Counters {
    uint64_t operations = 0;
    uint64_t checkpoints_completed = 0;
  };

  Session(SessionOptions options, SessionHost& host);

  void start();
  void on_resolved(Resolution resolution);
  /// Before the first checkpoint the client gets the error. Later the stream ends, unless the
  /// failure is `transient`: then it pauses until `on_storage_recovered`.
  void on_resolve_failed(const ProtocolError& error, bool transient);
  void on_batch(const OperationRange& range, const DataBatch& batch);
  void on_read_failed(const OperationRange& range, bool transient);
  void on_drained();
  void on_timer();
  /// Storage is back after a failure: asks again for what is missing.
  void on_storage_recovered();
  void end(CloseReason reason);

  void on_attached(Attachment attachment) override;
  void on_bucket_changed(uint32_t index) override;
  void on_write_checkpoint(int64_t id) override;
  void on_resolution_outdated() override;
  void on_commit(int64_t op_id) override;

  const Counters& counters() const { return counters_; }
  size_t bucket_count() const { return buckets_.size(); }
  LineFormat format() const { return format_; }
  bool ended() const { return ended_; }

 private:
  struct Entry {
    const Bucket* bucket;
    std::vector<Reason> reasons;
    int64_t position = 0;     ///< the client has all operations up to here
    BucketState announced{};  ///< in the last checkpoint or diff that named the bucket
    uint8_t priority = 3;
    bool is_known = false;      ///< the client has it, or was told of it
    bool is_announced = false;  ///< with these reasons and this priority
    bool is_listed = false;     ///< in `changed_`
  };

  enum class ResolutionState : uint8_t { asked, attaching, current, failed };

  void resolve();
  void adopt(std::vector<AttachedBucket> attached);
  void continue_round(const std::vector<const Bucket*>& rest);
  void list_changed(uint32_t index);
  int current_priority() const;
  bool may_announce() const;
  void advance();
  void announce();
  void announce_all(const CheckpointHead& head);
  void announce_changes(const CheckpointHead& head);
  std::vector<std::string> removed() const;
  BucketDescription describe(Entry& entry);
  void plan_round(const std::vector<uint32_t>& named, bool all);
  OperationRange missing_range(const Entry& entry) const;
  void expect_small_reads();
  void expect_group();
  void download();
  void complete_priorities_below(int priority);
  void complete();
  bool may_complete() const { return merged_until_ <= checkpoint_op_id_ && !history_lost_; }
  void send(std::string line);
  void arm_timer();

  SessionHost& host_;
  LineFormat format_;
  /// What the client has of buckets that are not wanted, or no more, until it is told so.
  std::unordered_map<std::string, int64_t> other_positions_;
  std::vector<Entry> buckets_;
  std::vector<uint32_t> changed_;           ///< indices of buckets that may have to be announced
  std::vector<StreamDescription> streams_;  ///< to announce; empty once they were
  size_t streams_fingerprint_ = 0;
  std::vector<uint32_t> round_;  ///< indices of the buckets to download, in order
  size_t round_next_ = 0;
  size_t group_start_ = 0;     ///< of the newest group of entries that were expected
  size_t expected_until_ = 0;  ///< entries of the round before this were expected, or are large
  std::optional<OperationRange> reading_;
  std::optional<int64_t> write_checkpoint_;
  std::optional<int64_t> announced_write_checkpoint_;
  int64_t newest_op_id_ = 0;
  int64_t checkpoint_op_id_ = 0;  ///< of the last checkpoint or diff
  /// The newest operation that compaction merged into something sent: no checkpoint before it may
  /// be completed, since the client would miss what that operation changed.
  int64_t merged_until_ = 0;
  int64_t token_expires_at_ms_;
  int64_t keepalive_at_ms_ = 0;
  Counters counters_;
  ResolutionState resolution_ = ResolutionState::asked;
  uint8_t pending_priorities_ = 0;  ///< bit p: priority p of the round is not complete
  uint8_t changed_priority_min_ = priority_none;
  bool first_ = true;        ///< no checkpoint was announced yet
  bool reindexed_ = false;   ///< the buckets were replaced since the last announcement
  bool urgent_ = false;      ///< buckets came or went: announce even while downloading
  bool round_open_ = false;  ///< announced, and neither completed nor given up
  /// A bucket's operations were gone when they were read: the change of the sync config that
  /// dropped it is on its way, and nothing is complete until the buckets have been replaced.
  bool history_lost_ = false;
  bool expiry_announced_ = false;
  bool ended_ = false;

  static constexpr uint8_t priority_none = 255;
};

}  // namespace brigade::sidecar
