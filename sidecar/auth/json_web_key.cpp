#include "auth/json_web_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "auth/base64.h"

namespace brigade::sidecar {

using Json = nlohmann::json;

namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Bignum = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;

struct Curve {
  const char* jwk_name;
  const char* openssl_name;
  const char* algorithm;
  size_t coordinate_bytes;
};
constexpr Curve curves[] = {{"P-256", "prime256v1", "ES256", 32},
                            {"P-384", "secp384r1", "ES384", 48},
                            {"P-521", "secp521r1", "ES512", 66}};

/// Factoring shorter moduli is within reach; RFC 7518 §3.3 forbids them.
constexpr int rsa_bits_min = 2048;
/// Verifying takes time that grows with the square of the length.
constexpr int rsa_bits_max = 16384;

const EVP_MD* digest_of(std::string_view algorithm) {
  if (algorithm.ends_with("256")) return EVP_sha256();
  if (algorithm.ends_with("384")) return EVP_sha384();
  if (algorithm.ends_with("512")) return EVP_sha512();
  return nullptr;  // EdDSA hashes by itself.
}

std::optional<std::string> text_member(const Json& jwk, const char* name) {
  auto it = jwk.find(name);
  if (it == jwk.end() || !it->is_string()) return {};
  return it->get<std::string>();
}

std::optional<std::string> bytes_member(const Json& jwk, const char* name) {
  std::optional<std::string> text = text_member(jwk, name);
  if (!text) return {};
  while (text->ends_with('=')) text->pop_back();
  return decode_base64url(*text);
}

const unsigned char* as_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Bignum to_bignum(std::string_view big_endian) {
  return Bignum(BN_bin2bn(as_bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

std::shared_ptr<EVP_PKEY> to_key(const char* type, OSSL_PARAM_BLD* builder) {
  Params params(OSSL_PARAM_BLD_to_param(builder));
  KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  bool made = params && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
              EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) == 1;
  return made ? std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free) : nullptr;
}

std::shared_ptr<EVP_PKEY> make_rsa_key(const Json& jwk) {
  std::optional<std::string> n = bytes_member(jwk, "n");
  std::optional<std::string> e = bytes_member(jwk, "e");
  if (!n || !e) return nullptr;
  Bignum modulus = to_bignum(*n);
  Bignum exponent = to_bignum(*e);
  int bits = BN_num_bits(modulus.get());
  if (bits < rsa_bits_min || bits > rsa_bits_max || BN_num_bits(exponent.get()) > 64)
    return nullptr;
  ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return to_key("RSA", builder.get());
}

const Curve* find_curve(const Json& jwk) {
  std::string name = text_member(jwk, "crv").value_or("");
  auto curve = std::find_if(std::begin(curves), std::end(curves),
                            [&](const Curve& candidate) { return name == candidate.jwk_name; });
  return curve == std::end(curves) ? nullptr : curve;
}

std::shared_ptr<EVP_PKEY> make_ec_key(const Json& jwk, const Curve& curve) {
  std::optional<std::string> x = bytes_member(jwk, "x");
  std::optional<std::string> y = bytes_member(jwk, "y");
  if (!x || !y || x->size() != curve.coordinate_bytes || y->size() != curve.coordinate_bytes) {
    return nullptr;
  }
  std::string point = "\x04" + *x + *y;  // SEC 1 §2.3.3: an uncompressed point
  ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.openssl_name, 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  std::shared_ptr<EVP_PKEY> key = to_key("EC", builder.get());
  if (!key) return nullptr;
  // A point that is not on the curve would make verification meaningless.
  KeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr));
  return EVP_PKEY_public_check(context.get()) == 1 ? key : nullptr;
}

std::shared_ptr<EVP_PKEY> make_ed25519_key(const Json& jwk) {
  std::optional<std::string> x = bytes_member(jwk, "x");
  if (text_member(jwk, "crv") != "Ed25519" || !x || x->size() != 32) return nullptr;
  EVP_PKEY* key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, as_bytes(*x), x->size());
  return {key, EVP_PKEY_free};
}

bool verify_hmac(const std::string& secret, const EVP_MD* digest, std::string_view text,
                 std::string_view signature) {
  unsigned char expected[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  bool made = HMAC(digest, secret.data(), static_cast<int>(secret.size()), as_bytes(text),
                   text.size(), expected, &size) != nullptr;
  return made && signature.size() == size && CRYPTO_memcmp(expected, signature.data(), size) == 0;
}

/// RFC 7518 §3.4 signs with R and S side by side, OpenSSL with DER.
std::string to_der(std::string_view signature) {
  Signature parts(ECDSA_SIG_new());
  size_t half = signature.size() / 2;
  ECDSA_SIG_set0(parts.get(), to_bignum(signature.substr(0, half)).release(),
                 to_bignum(signature.substr(half)).release());
  unsigned char* der = nullptr;
  int size = i2d_ECDSA_SIG(parts.get(), &der);
  std::string text(reinterpret_cast<char*>(der), size < 0 ? 0 : static_cast<size_t>(size));
  OPENSSL_free(der);
  return text;
}

bool use_pss(EVP_PKEY_CTX* context, const EVP_MD* digest) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1;
}

bool verify_public(EVP_PKEY* key, std::string_view algorithm, std::string_view text,
                   std::string_view signature) {
  const EVP_MD* digest = digest_of(algorithm);
  DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  if (EVP_DigestVerifyInit(context.get(), &key_context, digest, nullptr, key) != 1) return false;
  if (algorithm.starts_with("PS") && !use_pss(key_context, digest)) return false;
  std::string der;
  if (algorithm.starts_with("ES")) {
    int degree_bytes = (EVP_PKEY_get_bits(key) + 7) / 8;
    if (signature.size() != 2 * static_cast<size_t>(degree_bytes)) return false;
    der = to_der(signature);
    signature = der;
  }
  return EVP_DigestVerify(context.get(), as_bytes(signature), signature.size(), as_bytes(text),
                          text.size()) == 1;
}

}  // namespace

JsonWebKey JsonWebKey::from_secret(std::string secret, std::string algorithm) {
  JsonWebKey key;
  key.secret_ = std::move(secret);
  key.algorithms_ = {std::move(algorithm)};
  return key;
}

Result<JsonWebKey, std::string> JsonWebKey::parse(const Json& jwk) {
  if (!jwk.is_object()) return std::string("a key must be an object");
  JsonWebKey key;
  key.key_id_ = text_member(jwk, "kid");
  std::string type = text_member(jwk, "kty").value_or("");
  if (text_member(jwk, "use").value_or("sig") != "sig") {
    return std::string("its use is not 'sig'");
  }
  if (type == "oct") {
    key.secret_ = bytes_member(jwk, "k").value_or("");
    if (key.secret_.empty()) return std::string("'k' must be the secret in base64url");
    key.algorithms_ = {"HS256", "HS384", "HS512"};
  } else if (type == "RSA") {
    key.public_key_ = make_rsa_key(jwk);
    key.algorithms_ = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"};
  } else if (const Curve* curve = find_curve(jwk); type == "EC" && curve != nullptr) {
    key.public_key_ = make_ec_key(jwk, *curve);
    key.algorithms_ = {curve->algorithm};
  } else if (type == "OKP") {
    key.public_key_ = make_ed25519_key(jwk);
    key.algorithms_ = {"EdDSA"};
  } else {
    return "key type '" + type + "' or its curve is not supported";
  }
  if (type != "oct" && !key.public_key_) return "not a valid " + type + " public key";
  if (std::optional<std::string> algorithm = text_member(jwk, "alg")) {
    if (!key.allows(*algorithm)) return "algorithm '" + *algorithm + "' does not fit the key";
    key.algorithms_ = {*algorithm};
  }
  return key;
}

bool JsonWebKey::allows(std::string_view algorithm) const {
  return std::find(algorithms_.begin(), algorithms_.end(), algorithm) != algorithms_.end();
}

bool JsonWebKey::verify(std::string_view algorithm, std::string_view signed_text,
                        std::string_view signature) const {
  if (algorithm.starts_with("HS")) {
    return verify_hmac(secret_, digest_of(algorithm), signed_text, signature);
  }
  return verify_public(public_key_.get(), algorithm, signed_text, signature);
}

std::vector<JsonWebKey> parse_key_set(const Json& jwks, std::vector<std::string>& problems) {
  std::vector<JsonWebKey> keys;
  auto list = jwks.is_object() ? jwks.find("keys") : jwks.end();
  if (list == jwks.end() || !list->is_array()) {
    problems.emplace_back("a key set must be an object with an array 'keys'");
    return keys;
  }
  for (size_t i = 0; i < list->size(); i++) {
    Result<JsonWebKey, std::string> key = JsonWebKey::parse((*list)[i]);
    if (key) {
      keys.push_back(std::move(*key));
    } else {
      problems.push_back("keys[" + std::to_string(i) + "]: " + key.error());
    }
  }
  return keys;
}

}  // namespace brigade::sidecar
