#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/token.h"

namespace brigade::sidecar {

/// Verifies the tokens of clients.
class Authenticator {
 public:
  using Callback = std::function<void(Result<Claims, ProtocolError>)>;

  Authenticator(std::vector<JsonWebKey> keys, TokenRules rules, std::function<int64_t()> now_s)
      : keys_(std::move(keys)), rules_(std::move(rules)), now_s_(std::move(now_s)) {}

  /// `authorization` is the value of that header. Calls back at once or later.
  void authenticate(std::string_view authorization, const Callback& done);

 private:
  std::vector<JsonWebKey> keys_;
  TokenRules rules_;
  std::function<int64_t()> now_s_;
};

}  // namespace brigade::sidecar
