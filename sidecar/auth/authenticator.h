#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/remote_key_set.h"
#include "auth/token.h"

namespace brigade::sidecar {

/// Verifies the tokens of clients.
class Authenticator {
 public:
  using Callback = std::function<void(Result<Claims, ProtocolError>)>;

  explicit Authenticator(std::function<int64_t()> now_s) : now_s_(std::move(now_s)) {}

  /// May be called again: later tokens are judged by the new rules.
  void configure(std::vector<JsonWebKey> keys, TokenRules rules);
  /// Replaces the sources of keys; those in the midst of a fetch end with it.
  void set_remotes(std::vector<std::shared_ptr<RemoteKeySet>> remotes) {
    remotes_ = std::move(remotes);
  }

  /// `authorization` is the value of that header. Calls back at once, or after keys were fetched.
  void authenticate(std::string_view authorization, Callback done);

 private:
  std::vector<const JsonWebKey*> candidates(const ParsedToken& token);
  Result<Claims, ProtocolError> judge(const ParsedToken& token);

  std::vector<JsonWebKey> keys_;
  TokenRules rules_;
  std::vector<std::shared_ptr<RemoteKeySet>> remotes_;
  std::function<int64_t()> now_s_;
};

}  // namespace brigade::sidecar
