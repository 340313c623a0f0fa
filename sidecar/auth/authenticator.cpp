#include "auth/authenticator.h"

namespace brigade::sidecar {

void Authenticator::authenticate(std::string_view authorization, const Callback& done) {
  Result<std::string_view, ProtocolError> text = token_of_header(authorization);
  if (!text) return done(text.error());
  Result<ParsedToken, ProtocolError> token = parse_token(*text);
  if (!token) return done(token.error());
  std::optional<ProtocolError> error = check_signature(*token, candidate_keys(*token, keys_));
  if (error) return done(*error);
  done(check_claims(*token, rules_, now_s_()));
}

}  // namespace brigade::sidecar
