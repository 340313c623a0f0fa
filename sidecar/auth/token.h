#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/json_web_key.h"
#include "protocol/error.h"
#include "result.h"

namespace brigade::sidecar {

/// A JSON Web Token in compact form (RFC 7519), taken apart; nothing in it is trusted yet.
struct ParsedToken {
  std::string algorithm;
  std::optional<std::string> key_id;
  nlohmann::json payload;        ///< an object
  std::string_view signed_text;  ///< in the text that was parsed
  std::string signature;
};

struct TokenRules {
  std::vector<std::string> audiences;
  int64_t lifetime_s_max = 86'400;
  int64_t clock_tolerance_s = 60;
};

/// What a verified token says.
struct Claims {
  std::string user_id;  ///< `sub`, as text
  int64_t expires_at_s = 0;
  std::string json;  ///< all claims
};

/// The token of an Authorization header, `Token …` or `Bearer …`.
Result<std::string_view, ProtocolError> token_of_header(std::string_view authorization);
Result<ParsedToken, ProtocolError> parse_token(std::string_view text);
/// The keys of `keys` that may have signed the token: those with its key id, else those without
/// any; all when the token has none.
std::vector<const JsonWebKey*> candidate_keys(const ParsedToken& token,
                                              const std::vector<JsonWebKey>& keys);
/// Empty when one of `candidates` signed the token.
std::optional<ProtocolError> check_signature(const ParsedToken& token,
                                             const std::vector<const JsonWebKey*>& candidates);
Result<Claims, ProtocolError> check_claims(const ParsedToken& token, const TokenRules& rules,
                                           int64_t now_s);
ProtocolError unknown_key_error();

}  // namespace brigade::sidecar
