#include "auth/token.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "auth/base64.h"
#include "protocol/bounded_json.h"

namespace brigade::sidecar {

namespace {

constexpr size_t token_bytes_max = 16 * 1024;

ProtocolError invalid(std::string description) {
  return ProtocolError::authorization("PSYNC_S2101", std::move(description));
}

ProtocolError malformed() {
  return invalid("Token is not a well-formed JWT. Check the token format.");
}

ProtocolError missing_claim(const std::string& name) {
  std::string code = name == "aud" ? "PSYNC_S2105" : "PSYNC_S2101";
  return ProtocolError::authorization(code,
                                      "JWT payload is missing a required claim \"" + name + "\"");
}

std::optional<Json> parse_part(std::string_view part) {
  std::optional<std::string> text = decode_base64url(part);
  if (!text) return {};
  std::optional<Json> json = parse_bounded_json(*text);
  if (!json || !json->is_object()) return {};
  return json;
}

/// NumericDate of RFC 7519 §2: seconds, possibly with a fraction.
std::optional<int64_t> date_claim(const Json& payload, const char* name) {
  auto it = payload.find(name);
  if (it == payload.end() || !it->is_number()) return {};
  double seconds = it->get<double>();
  // Later than the year 9999 is no date; it also keeps sums from overflowing.
  bool sensible = std::isfinite(seconds) && seconds >= 0 && seconds < 253'402'300'800.0;
  if (!sensible) return {};
  return static_cast<int64_t>(seconds);
}

std::optional<std::string> user_id_of(const Json& payload) {
  auto sub = payload.find("sub");
  if (sub == payload.end()) return {};
  if (sub->is_string()) return sub->get<std::string>();
  if (sub->is_number_integer()) return sub->dump();
  return {};
}

/// Empty when the audience is one of ours.
std::optional<ProtocolError> check_audience(const Json& payload, const TokenRules& rules) {
  auto audience = payload.find("aud");
  if (audience == payload.end()) return missing_claim("aud");
  auto is_ours = [&](const Json& value) {
    return value.is_string() &&
           std::find(rules.audiences.begin(), rules.audiences.end(),
                     value.get_ref<const std::string&>()) != rules.audiences.end();
  };
  bool accepted = audience->is_array() ? std::any_of(audience->begin(), audience->end(), is_ours)
                                       : is_ours(*audience);
  if (accepted) return {};
  return ProtocolError::authorization("PSYNC_S2105",
                                      "Unexpected \"aud\" claim value: " + audience->dump());
}

}  // namespace

ProtocolError unknown_key_error() {
  return invalid(
      "Could not find an appropriate key in the keystore. The key is missing or no key matched the "
      "token KID");
}

Result<std::string_view, ProtocolError> token_of_header(std::string_view authorization) {
  for (std::string_view scheme : {"Token ", "Bearer "}) {
    if (authorization.starts_with(scheme)) return authorization.substr(scheme.size());
  }
  return ProtocolError::authorization("PSYNC_S2106", "Authentication required");
}

Result<ParsedToken, ProtocolError> parse_token(std::string_view text) {
  size_t first_dot = text.find('.');
  size_t last_dot = text.rfind('.');
  bool three_parts = first_dot != std::string_view::npos && first_dot < last_dot &&
                     text.find('.', first_dot + 1) == last_dot;
  if (!three_parts || text.size() > token_bytes_max) return malformed();
  std::optional<Json> header = parse_part(text.substr(0, first_dot));
  std::optional<Json> payload = parse_part(text.substr(first_dot + 1, last_dot - first_dot - 1));
  std::optional<std::string> signature = decode_base64url(text.substr(last_dot + 1));
  if (!header || !payload || !signature) return malformed();
  ParsedToken token;
  auto algorithm = header->find("alg");
  if (algorithm == header->end() || !algorithm->is_string()) return malformed();
  token.algorithm = algorithm->get<std::string>();
  if (auto key_id = header->find("kid"); key_id != header->end()) {
    if (!key_id->is_string()) return malformed();
    token.key_id = key_id->get<std::string>();
  }
  // RFC 7515 §4.1.11: extensions that must be understood, and none is.
  if (header->contains("crit")) return invalid("Extension Header Parameter is not recognized");
  token.payload = std::move(*payload);
  token.signed_text = text.substr(0, last_dot);
  token.signature = std::move(*signature);
  return token;
}

std::vector<const JsonWebKey*> candidate_keys(const ParsedToken& token,
                                              const std::vector<JsonWebKey>& keys) {
  std::vector<const JsonWebKey*> exact;
  std::vector<const JsonWebKey*> others;
  for (const JsonWebKey& key : keys) {
    if (token.key_id && key.key_id() == token.key_id) {
      exact.push_back(&key);
    } else if (!token.key_id || !key.key_id()) {
      others.push_back(&key);
    }
  }
  return exact.empty() ? others : exact;
}

std::optional<ProtocolError> check_signature(const ParsedToken& token,
                                             const std::vector<const JsonWebKey*>& candidates) {
  static constexpr std::array known{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
                                    "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"};
  bool is_known = std::find(known.begin(), known.end(), token.algorithm) != known.end();
  if (!is_known) return invalid("\"alg\" (Algorithm) Header Parameter not allowed");
  if (candidates.empty()) return unknown_key_error();
  bool any_allows = false;
  for (const JsonWebKey* key : candidates) {
    if (!key->allows(token.algorithm)) continue;
    any_allows = true;
    if (key->verify(token.algorithm, token.signed_text, token.signature)) return {};
  }
  if (any_allows) return invalid("signature verification failed");
  return invalid("\"alg\" (Algorithm) Header Parameter not allowed");
}

Result<Claims, ProtocolError> check_claims(const ParsedToken& token, const TokenRules& rules,
                                           int64_t now_s) {
  const Json& payload = token.payload;
  std::optional<std::string> user_id = user_id_of(payload);
  std::optional<int64_t> expires_at_s = date_claim(payload, "exp");
  std::optional<int64_t> issued_at_s = date_claim(payload, "iat");
  if (!user_id) return missing_claim("sub");
  if (std::optional<ProtocolError> error = check_audience(payload, rules)) return *error;
  if (!issued_at_s) return missing_claim("iat");
  if (!expires_at_s) return missing_claim("exp");
  if (now_s > *expires_at_s + rules.clock_tolerance_s) {
    return ProtocolError::authorization("PSYNC_S2103", "JWT has expired");
  }
  // From now on rather than from `iat` alone: a token issued in the future would live longer.
  int64_t lifetime_s =
      std::max(*expires_at_s - *issued_at_s, *expires_at_s - now_s - rules.clock_tolerance_s);
  if (lifetime_s > rules.lifetime_s_max) {
    return ProtocolError::authorization(
        "PSYNC_S2104", "Token must expire in a maximum of " + std::to_string(rules.lifetime_s_max) +
                           " seconds, got " + std::to_string(lifetime_s) + "s");
  }
  if (payload.contains("nbf")) {
    std::optional<int64_t> not_before_s = date_claim(payload, "nbf");
    bool active = not_before_s && *not_before_s <= now_s + rules.clock_tolerance_s;
    if (!active) return invalid("\"nbf\" claim timestamp check failed");
  }
  auto parameters = payload.find("parameters");
  bool usable = parameters == payload.end() || parameters->is_object() || parameters->is_null();
  if (!usable) return invalid("JWT claim \"parameters\" must be an object");
  return Claims{std::move(*user_id), *expires_at_s, payload.dump()};
}

}  // namespace brigade::sidecar
