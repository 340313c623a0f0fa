#pragma once

#include <openssl/evp.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace brigade::sidecar {

/// A key that tokens are verified with (RFC 7517). It fixes the algorithms it is used with: a
/// token can only name one of them.
class JsonWebKey {
 public:
  /// The error says what is wrong with the key, and never shows its value.
  static Result<JsonWebKey, std::string> parse(const nlohmann::json& jwk);
  /// A shared secret for `algorithm`: HS256, HS384 or HS512.
  static JsonWebKey from_secret(std::string secret, std::string algorithm);

  /// Empty: the key fits tokens with any key id.
  const std::optional<std::string>& key_id() const { return key_id_; }
  bool allows(std::string_view algorithm) const;
  /// REQUIRES: allows(algorithm).
  bool verify(std::string_view algorithm, std::string_view signed_text,
              std::string_view signature) const;

 private:
  JsonWebKey() = default;

  std::optional<std::string> key_id_;
  std::vector<std::string> algorithms_;
  std::string secret_;                    ///< of HS keys
  std::shared_ptr<EVP_PKEY> public_key_;  ///< of all others
};

/// The keys of a JSON Web Key Set. Keys of a kind that cannot verify signatures, such as
/// encryption keys, are skipped; `problems` says why others were.
std::vector<JsonWebKey> parse_key_set(const nlohmann::json& jwks,
                                      std::vector<std::string>& problems);

}  // namespace brigade::sidecar
