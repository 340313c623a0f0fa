// Tokens, judged with keys of every kind; and JSON Web Keys.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "auth/token.h"

using namespace brigade::sidecar;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const std::vector<JsonWebKey> keys = [] {
    std::vector<JsonWebKey> all;
    for (const char* algorithm : {"HS256", "HS384", "HS512"}) {
      all.push_back(JsonWebKey::from_secret("secret", algorithm));
    }
    return all;
  }();
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (auto token = parse_token(text)) {
    check_signature(*token, candidate_keys(*token, keys));
    TokenRules rules;
    rules.audiences = {"a"};
    check_claims(*token, rules, 1'800'000'000);
  }
  std::vector<std::string> problems;
  parse_key_set(nlohmann::json::parse(text, nullptr, false), problems);
  return 0;
}
