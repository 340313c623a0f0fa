#include "fanout/hub.h"

#include <algorithm>
#include <cassert>

namespace brigade::sidecar {

namespace {

/// Bounds the memory of the ring. A resolution that is older than the ring is made again.
constexpr size_t ring_weight_max = 100'000;

size_t weight(const Changes& changes) {
  return 1 + changes.buckets.size() + changes.dependencies.size() +
         changes.write_checkpoints.size();
}

std::string client_key(const std::string& user_id, const std::string& client_id) {
  // Neither holds a NUL: Postgres text cannot.
  return user_id + '\0' + client_id;
}

}  // namespace

void Hub::add(Member& member) {
  member.slot_in_hub_ = static_cast<uint32_t>(members_.size());
  members_.push_back(&member);
  members_by_client_.emplace(client_key(member.user_id(), member.client_id()), &member);
}

void Hub::remove(Member& member) {
  leave(std::exchange(member.places_, {}));
  members_.back()->slot_in_hub_ = member.slot_in_hub_;
  std::swap(members_[member.slot_in_hub_], members_.back());
  members_.pop_back();
  auto [first, last] =
      members_by_client_.equal_range(client_key(member.user_id(), member.client_id()));
  auto own = std::find_if(first, last, [&](const auto& entry) { return entry.second == &member; });
  if (own != last) members_by_client_.erase(own);
  std::replace(touched_.begin(), touched_.end(), &member, static_cast<Member*>(nullptr));
  for (Waiting& waiting : waiting_) {
    if (waiting.member == &member) waiting.member = nullptr;
  }
}

void Hub::attach(Member& member, Resolution resolution) {
  if (resolution.commit > position_) {
    waiting_.push_back({&member, std::move(resolution)});
    poll_();
    return;
  }
  if (!reaches_back_to(resolution.commit) || overtaken(resolution)) {
    member.on_resolution_outdated();
    return;
  }
  // New topics are joined before old ones are left, so that those in both live on, and the member
  // can still name those it loses.
  std::vector<Place> old = subscribe(member, resolution);
  Attachment attachment{op_id_, resolution.write_checkpoint, {}, std::move(resolution.streams)};
  attachment.buckets.reserve(resolution.buckets.size());
  for (size_t i = 0; i < resolution.buckets.size(); i++) {
    ResolvedBucket& resolved = resolution.buckets[i];
    const auto* bucket = static_cast<const Bucket*>(member.places_[i].topic);
    attachment.buckets.push_back({bucket, resolved.priority, std::move(resolved.reasons)});
  }
  member.on_attached(std::move(attachment));
  leave(old);
}

bool Hub::reaches_back_to(int64_t commit) const { return commit >= ring_start_; }

bool Hub::overtaken(const Resolution& resolution) const {
  auto depends_on = [&](int64_t hash) {
    const std::vector<int64_t>& own = resolution.dependencies;
    return std::find(own.begin(), own.end(), hash) != own.end();
  };
  return std::any_of(ring_.begin(), ring_.end(), [&](const Changes& changes) {
    if (changes.commit <= resolution.commit) return false;
    return changes.config_changed ||
           std::any_of(changes.dependencies.begin(), changes.dependencies.end(), depends_on);
  });
}

/// The answer is what the member was subscribed to until now.
std::vector<Place> Hub::subscribe(Member& member, const Resolution& resolution) {
  std::vector<Place> old = std::exchange(member.places_, {});
  member.bucket_count_ = static_cast<uint32_t>(resolution.buckets.size());
  member.places_.reserve(resolution.buckets.size() + resolution.dependencies.size());
  auto join = [&member](Topic& topic) {
    member.places_.push_back({&topic, static_cast<uint32_t>(topic.subscribers.size())});
    topic.subscribers.push_back({&member, &member.places_.back()});
  };
  for (const ResolvedBucket& bucket : resolution.buckets) join(acquire(bucket));
  for (int64_t hash : resolution.dependencies) {
    std::unique_ptr<Dependency>& dependency = dependencies_[hash];
    if (!dependency) dependency = std::make_unique<Dependency>(hash);
    join(*dependency);
  }
  for (const Changes& changes : ring_) {
    if (changes.commit <= resolution.commit) continue;
    for (const ChangedBucket& changed : changes.buckets) update(changed);
  }
  return old;
}

void Hub::leave(const std::vector<Place>& places) {
  for (const Place& place : places) {
    std::vector<Subscriber>& subscribers = place.topic->subscribers;
    subscribers[place.slot] = subscribers.back();
    subscribers[place.slot].place->slot = place.slot;
    subscribers.pop_back();
    if (subscribers.empty()) release(*place.topic);
  }
}

void Hub::release(Topic& topic) {
  if (topic.kind == Topic::Kind::dependency) {
    dependencies_.erase(static_cast<Dependency&>(topic).hash);
    return;
  }
  auto& bucket = static_cast<Bucket&>(topic);
  if (bucket.id) buckets_by_id_.erase(*bucket.id);
  buckets_.erase(buckets_.find(bucket.name));
}

Bucket& Hub::acquire(const ResolvedBucket& resolved) {
  auto found = buckets_.find(resolved.name);
  if (found == buckets_.end()) {
    auto bucket = std::make_unique<Bucket>();
    bucket->name = resolved.name;
    bucket->stale = true;
    std::string_view name = bucket->name;
    found = buckets_.emplace(name, std::move(bucket)).first;
  }
  Bucket& bucket = *found->second;
  if (bucket.stale) bucket.state = resolved.state;
  bucket.stale = false;
  if (resolved.id && bucket.id != resolved.id) {
    if (bucket.id) buckets_by_id_.erase(*bucket.id);
    bucket.id = resolved.id;
    bucket.state = resolved.state;
    buckets_by_id_[*bucket.id] = &bucket;
  }
  return bucket;
}

void Hub::apply(const Changes& changes) {
  if (changes.commit < position_ || !changes.complete) {
    start_over(changes);
  } else if (changes.commit > position_) {
    position_ = changes.commit;
    op_id_ = changes.op_id;
    remember(changes);
    for (const ChangedBucket& changed : changes.buckets) {
      if (Bucket* bucket = update(changed)) tell_subscribers(*bucket);
    }
    acknowledge(changes.write_checkpoints);
    if (changes.config_changed) {
      for (Member* member : members_) outdate(*member);
    } else {
      outdate_dependents(changes.dependencies);
    }
  }
  notify_touched();
  retry_waiting();
}

/// Nothing is known of what happened up to this position: a log that was pruned, or a database
/// that was restored to an earlier state.
void Hub::start_over(const Changes& changes) {
  position_ = changes.commit;
  op_id_ = changes.op_id;
  ring_.clear();
  ring_weight_ = 0;
  ring_start_ = position_;
  waiting_.clear();
  for (auto& [name, bucket] : buckets_) bucket->stale = true;
  for (Member* member : members_) outdate(*member);
}

void Hub::remember(const Changes& changes) {
  ring_.push_back(changes);
  ring_weight_ += weight(changes);
  while (ring_weight_ > ring_weight_max) {
    ring_start_ = ring_.front().commit;
    ring_weight_ -= weight(ring_.front());
    ring_.pop_front();
  }
}

Bucket* Hub::find(const ChangedBucket& changed) {
  auto by_id = buckets_by_id_.find(changed.id);
  if (by_id != buckets_by_id_.end()) return by_id->second;
  if (!changed.name) return nullptr;
  auto by_name = buckets_.find(*changed.name);
  if (by_name == buckets_.end()) return nullptr;
  by_name->second->id = changed.id;
  buckets_by_id_[changed.id] = by_name->second.get();
  return by_name->second.get();
}

Bucket* Hub::update(const ChangedBucket& changed) {
  Bucket* bucket = find(changed);
  if (bucket != nullptr) bucket->state = changed.state;
  return bucket;
}

void Hub::tell_subscribers(const Bucket& bucket) {
  for (const Subscriber& subscriber : bucket.subscribers) {
    Member& member = *subscriber.member;
    touch(member);
    member.on_bucket_changed(static_cast<uint32_t>(subscriber.place - member.places_.data()));
  }
}

void Hub::touch(Member& member) {
  if (member.touched_) return;
  member.touched_ = true;
  touched_.push_back(&member);
}

void Hub::outdate(Member& member) {
  touch(member);
  member.on_resolution_outdated();
}

void Hub::outdate_dependents(const std::vector<int64_t>& hashes) {
  for (int64_t hash : hashes) {
    auto dependency = dependencies_.find(hash);
    if (dependency == dependencies_.end()) continue;
    for (const Subscriber& subscriber : dependency->second->subscribers) {
      outdate(*subscriber.member);
    }
  }
}

void Hub::acknowledge(const std::vector<AcknowledgedWriteCheckpoint>& write_checkpoints) {
  for (const AcknowledgedWriteCheckpoint& acknowledged : write_checkpoints) {
    auto [first, last] =
        members_by_client_.equal_range(client_key(acknowledged.user_id, acknowledged.client_id));
    for (; first != last; ++first) {
      touch(*first->second);
      first->second->on_write_checkpoint(acknowledged.id);
    }
  }
}

void Hub::notify_touched() {
  // A member may leave, and so be replaced by null, while others are told.
  for (size_t i = 0; i < touched_.size(); i++) {
    if (touched_[i] == nullptr) continue;
    touched_[i]->touched_ = false;
    touched_[i]->on_commit(op_id_);
  }
  touched_.clear();
}

void Hub::retry_waiting() {
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    if (waiting.member != nullptr) attach(*waiting.member, std::move(waiting.resolution));
  }
}

}  // namespace brigade::sidecar
