#include "targets.h"

#include <string_view>

#include "auth/token.h"

namespace brigade::fuzz {

using namespace brigade::sidecar;

void sidecar_token(std::string_view input) {
  static const std::vector<JsonWebKey> keys = [] {
    std::vector<JsonWebKey> all;
    for (const char* algorithm : {"HS256", "HS384", "HS512"}) {
      all.push_back(JsonWebKey::from_secret("secret", algorithm));
    }
    return all;
  }();
  if (auto token = parse_token(input)) {
    check_signature(*token, candidate_keys(*token, keys));
    TokenRules rules;
    rules.audiences = {"a"};
    check_claims(*token, rules, 1'800'000'000);
  }
  std::vector<std::string> problems;
  parse_key_set(nlohmann::json::parse(input, nullptr, false), problems);
}

}  // namespace brigade::fuzz
