#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fanout/member.h"
#include "storage/types.h"

namespace brigade::sidecar {

/// Knows which session wants which bucket, and brings every storage commit to those it concerns:
/// the work of a commit is proportional to the changed buckets and the touched sessions.
///
/// The hub stands at one position, a storage commit. A resolution made at another commit is
/// brought to that position before its session sees it: a newer one waits until the hub has
/// caught up, an older one has the changes since applied to it, from a ring of recent changes.
/// So whatever a session announces is the state of all its buckets at one commit.
class Hub {
 public:
  /// `poll` is called when the hub wants `apply` to be called with the changes after `position()`.
  explicit Hub(std::function<void()> poll) : poll_(std::move(poll)) {}
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  int64_t position() const { return position_; }
  int64_t op_id() const { return op_id_; }
  size_t member_count() const { return members_.size(); }
  size_t bucket_count() const { return buckets_.size(); }

  /// From now on the member hears of write checkpoints. REQUIRES: it is removed before it dies.
  void add(Member& member);
  void remove(Member& member);

  /// Subscribes the member to what `resolution` lists, and to nothing else, then calls
  /// `on_attached`, or `on_resolution_outdated` if it was overtaken by a change. Either may come
  /// now or at a later `apply`.
  void attach(Member& member, Resolution resolution);

  /// REQUIRES: `changes` answers a request for what follows `position()`.
  void apply(const Changes& changes);

 private:
  struct Waiting {
    Member* member;
    Resolution resolution;
  };

  bool reaches_back_to(int64_t commit) const;
  bool overtaken(const Resolution& resolution) const;
  std::vector<Place> subscribe(Member& member, const Resolution& resolution);
  void leave(const std::vector<Place>& places);
  void release(Topic& topic);
  Bucket& acquire(const ResolvedBucket& resolved);
  Bucket* find(const ChangedBucket& changed);
  Bucket* update(const ChangedBucket& changed);
  void tell_subscribers(const Bucket& bucket);
  void remember(const Changes& changes);
  void start_over(const Changes& changes);

  void touch(Member& member);
  void outdate(Member& member);
  void outdate_dependents(const std::vector<int64_t>& hashes);
  void acknowledge(const std::vector<AcknowledgedWriteCheckpoint>& write_checkpoints);
  void notify_touched();
  void retry_waiting();

  std::function<void()> poll_;
  int64_t position_ = 0;
  int64_t op_id_ = 0;
  std::unordered_map<std::string_view, std::unique_ptr<Bucket>> buckets_;  ///< by name
  std::unordered_map<int64_t, Bucket*> buckets_by_id_;
  std::unordered_map<int64_t, std::unique_ptr<Dependency>> dependencies_;
  std::unordered_multimap<std::string, Member*> members_by_client_;
  std::vector<Member*> members_;
  std::vector<Member*> touched_;
  std::vector<Waiting> waiting_;
  std::deque<Changes> ring_;  ///< consecutive, up to `position_`
  int64_t ring_start_ = 0;    ///< the ring holds the changes of `(ring_start_, position_]`
  size_t ring_weight_ = 0;    ///< entries of all lists in the ring
};

}  // namespace brigade::sidecar
