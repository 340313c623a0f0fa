#include "auth/remote_key_set.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace brigade::sidecar {

const std::vector<JsonWebKey>& RemoteKeySet::keys() {
  int64_t age_ms = now_ms_() - fetched_at_ms_;
  if (age_ms > times_.expire_after_ms) keys_.clear();
  if (age_ms > times_.renew_after_ms && may_fetch()) start_fetch();
  return keys_;
}

void RemoteKeySet::refresh(std::function<void()> done) {
  if (!fetching_ && !may_fetch()) {
    done();
    return;
  }
  waiting_.push_back(std::move(done));
  if (!fetching_) start_fetch();
}

bool RemoteKeySet::may_fetch() const {
  int64_t pause_ms = last_failed_ ? times_.failure_cooldown_ms : times_.cooldown_ms;
  return !fetching_ && now_ms_() - tried_at_ms_ >= pause_ms;
}

void RemoteKeySet::start_fetch() {
  fetching_ = true;
  tried_at_ms_ = now_ms_();
  fetch_(url_, [self = shared_from_this()](Result<std::string, std::string> body) {
    self->on_fetched(std::move(body));
  });
}

void RemoteKeySet::on_fetched(Result<std::string, std::string> body) {
  fetching_ = false;
  std::vector<std::string> problems;
  std::vector<JsonWebKey> keys;
  if (body) {
    keys = parse_key_set(nlohmann::json::parse(*body, nullptr, false), problems);
  } else {
    problems.push_back(body.error());
  }
  for (const std::string& problem : problems) spdlog::warn("keys from {}: {}", url_, problem);
  // A set without any key is an error at the other end: better the keys that worked until now.
  last_failed_ = keys.empty();
  if (!last_failed_) {
    keys_ = std::move(keys);
    fetched_at_ms_ = now_ms_();
  }
  for (auto& done : std::exchange(waiting_, {})) done();
}

}  // namespace brigade::sidecar
