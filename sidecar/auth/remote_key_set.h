#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "auth/json_web_key.h"
#include "result.h"

namespace brigade::sidecar {

/// The keys behind one URL. Kept, renewed in the background while they are used, fetched at once
/// when a token names a key that is not among them, but never more often than the cooldown allows:
/// tokens with made-up key ids must not make us knock at another's door.
class RemoteKeySet : public std::enable_shared_from_this<RemoteKeySet> {
 public:
  using FetchCallback = std::function<void(Result<std::string, std::string>)>;
  using Fetch = std::function<void(const std::string& url, FetchCallback done)>;

  struct Times {
    int64_t renew_after_ms = 5 * 60'000;    ///< use of older keys renews them meanwhile
    int64_t expire_after_ms = 60 * 60'000;  ///< older keys are not used
    int64_t cooldown_ms = 30'000;           ///< between two fetches for an unknown key
    int64_t failure_cooldown_ms = 2'000;    ///< after a fetch that failed
  };

  /// REQUIRES: owned by a shared pointer.
  RemoteKeySet(std::string url, Fetch fetch, std::function<int64_t()> now_ms, Times times)
      : url_(std::move(url)), fetch_(std::move(fetch)), now_ms_(std::move(now_ms)), times_(times) {}
  RemoteKeySet(const RemoteKeySet&) = delete;
  RemoteKeySet& operator=(const RemoteKeySet&) = delete;

  /// The keys to use now; renews them in the background if they are due.
  const std::vector<JsonWebKey>& keys();
  /// Calls `done` when the keys are as new as they may be asked to be: at once, or after a fetch.
  void refresh(std::function<void()> done);

 private:
  bool may_fetch() const;
  void start_fetch();
  void on_fetched(Result<std::string, std::string> body);

  std::string url_;
  Fetch fetch_;
  std::function<int64_t()> now_ms_;
  Times times_;
  std::vector<JsonWebKey> keys_;
  std::vector<std::function<void()>> waiting_;
  int64_t fetched_at_ms_ = INT64_MIN / 2;
  int64_t tried_at_ms_ = INT64_MIN / 2;
  bool last_failed_ = false;
  bool fetching_ = false;
};

}  // namespace brigade::sidecar
