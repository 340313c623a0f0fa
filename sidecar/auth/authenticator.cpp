#include "auth/authenticator.h"

#include <utility>

namespace brigade::sidecar {

void Authenticator::configure(std::vector<JsonWebKey> keys, TokenRules rules) {
  keys_ = std::move(keys);
  rules_ = std::move(rules);
}

std::vector<const JsonWebKey*> Authenticator::candidates(const ParsedToken& token) {
  std::vector<const JsonWebKey*> found = candidate_keys(token, keys_);
  for (const auto& remote : remotes_) {
    for (const JsonWebKey* key : candidate_keys(token, remote->keys())) found.push_back(key);
  }
  return found;
}

Result<Claims, ProtocolError> Authenticator::judge(const ParsedToken& token) {
  std::optional<ProtocolError> error = check_signature(token, candidates(token));
  if (error) return *error;
  return check_claims(token, rules_, now_s_());
}

void Authenticator::authenticate(std::string_view authorization, Callback done) {
  Result<std::string_view, ProtocolError> text = token_of_header(authorization);
  if (!text) return done(text.error());
  // Kept for a judgement that may have to wait for keys: the parsed token points into it.
  auto kept_text = std::make_shared<const std::string>(*text);
  Result<ParsedToken, ProtocolError> parsed = parse_token(*kept_text);
  if (!parsed) return done(parsed.error());
  auto token = std::make_shared<const ParsedToken>(std::move(*parsed));
  if (remotes_.empty() || !candidates(*token).empty()) return done(judge(*token));
  // The key is new, or made up: ask every source that may be asked, then judge once.
  auto unanswered = std::make_shared<size_t>(remotes_.size());
  for (const auto& remote : remotes_) {
    remote->refresh([this, kept_text, token, unanswered, done] {
      if (--*unanswered == 0) done(judge(*token));
    });
  }
}

}  // namespace brigade::sidecar
