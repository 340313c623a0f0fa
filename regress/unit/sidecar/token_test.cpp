#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "auth/base64.h"
#include "auth/token.h"

namespace brigade::sidecar {
namespace {

using Json = nlohmann::json;

constexpr int64_t now_s = 1'800'000'000;
const std::string secret = "a secret of at least thirty-two bytes";

constexpr auto encode = encode_base64url;

std::string hmac(const std::string& key, const std::string& text, const EVP_MD* digest) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(digest, key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes, &size);
  return {reinterpret_cast<char*>(bytes), size};
}

Json good_header() { return {{"alg", "HS256"}, {"kid", "k1"}}; }
Json good_payload() {
  return {{"sub", "u1"}, {"aud", "powersync"}, {"iat", now_s - 10}, {"exp", now_s + 3600}};
}

std::string sign(const std::string& header, const std::string& payload,
                 const std::string& key = secret, const EVP_MD* digest = EVP_sha256()) {
  std::string text = encode(header) + "." + encode(payload);
  return text + "." + encode(hmac(key, text, digest));
}

std::string sign(const Json& header, const Json& payload) {
  return sign(header.dump(), payload.dump());
}

std::string with_header(const char* name, const Json& value) {
  Json header = good_header();
  header[name] = value;
  return sign(header, good_payload());
}
std::string with_claim(const char* name, const Json& value) {
  Json payload = good_payload();
  payload[name] = value;
  return sign(good_header(), payload);
}
std::string without_claim(const char* name) {
  Json payload = good_payload();
  payload.erase(name);
  return sign(good_header(), payload);
}
std::string with_signature(const std::function<std::string(std::string)>& change) {
  std::string token = sign(good_header(), good_payload());
  size_t dot = token.rfind('.');
  return token.substr(0, dot + 1) + change(token.substr(dot + 1));
}
std::string with_payload(const std::string& text) { return sign(good_header().dump(), text); }

struct Pair {
  std::shared_ptr<EVP_PKEY> key;
  Json jwk;
};

std::string parameter(EVP_PKEY* key, const char* name, size_t size = 0) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  std::string bytes(std::max(size, static_cast<size_t>(BN_num_bytes(number))), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()),
               static_cast<int>(bytes.size()));
  BN_free(number);
  return encode(bytes);
}

Pair rsa_pair(unsigned bits = 2048) {
  std::shared_ptr<EVP_PKEY> key(EVP_RSA_gen(bits), EVP_PKEY_free);
  return {key,
          {{"kty", "RSA"},
           {"kid", "rsa"},
           {"n", parameter(key.get(), "n")},
           {"e", parameter(key.get(), "e")}}};
}
Pair ec_pair(const char* curve, const char* name, size_t size) {
  std::shared_ptr<EVP_PKEY> key(EVP_EC_gen(curve), EVP_PKEY_free);
  return {key,
          {{"kty", "EC"},
           {"kid", "ec"},
           {"crv", name},
           {"x", parameter(key.get(), "qx", size)},
           {"y", parameter(key.get(), "qy", size)}}};
}
Pair ed25519_pair() {
  std::shared_ptr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
  std::string bytes(32, '\0');
  size_t size = bytes.size();
  EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(bytes.data()), &size);
  return {key, {{"kty", "OKP"}, {"kid", "ed"}, {"crv", "Ed25519"}, {"x", encode(bytes)}}};
}

/// DER to the side-by-side form of RFC 7518 §3.4.
std::string to_pair(const std::string& der, size_t size) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  std::string bytes(2 * size, '\0');
  auto* out = reinterpret_cast<unsigned char*>(bytes.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, static_cast<int>(size));
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + size, static_cast<int>(size));
  ECDSA_SIG_free(signature);
  return bytes;
}

std::string sign_public(const Pair& pair, const std::string& algorithm, const EVP_MD* digest,
                        size_t ec_size = 0) {
  Json header{{"alg", algorithm}, {"kid", pair.jwk["kid"]}};
  std::string text = encode(header.dump()) + "." + encode(good_payload().dump());
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* key_context = nullptr;
  EVP_DigestSignInit(context, &key_context, digest, nullptr, pair.key.get());
  if (algorithm[0] == 'P') {
    EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST);
  }
  std::string signature(1024, '\0');
  size_t size = signature.size();
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                 reinterpret_cast<const unsigned char*>(text.data()), text.size());
  EVP_MD_CTX_free(context);
  signature.resize(size);
  return text + "." + encode(ec_size == 0 ? signature : to_pair(signature, ec_size));
}

std::vector<JsonWebKey> key_set(std::initializer_list<Json> jwks) {
  std::vector<std::string> problems;
  std::vector<JsonWebKey> keys = parse_key_set({{"keys", Json(jwks)}}, problems);
  EXPECT_TRUE(problems.empty()) << problems.front();
  return keys;
}

/// "" for a token that is accepted, else the error code.
std::string judge(const std::string& token, const std::vector<JsonWebKey>& keys) {
  Result<ParsedToken, ProtocolError> parsed = parse_token(token);
  if (!parsed) return parsed.error().code;
  std::optional<ProtocolError> error = check_signature(*parsed, candidate_keys(*parsed, keys));
  if (error) return error->code;
  TokenRules rules;
  rules.audiences = {"powersync", "second"};
  Result<Claims, ProtocolError> claims = check_claims(*parsed, rules, now_s);
  return claims ? "" : claims.error().code;
}

std::vector<JsonWebKey> shared_secret() {
  return key_set({{{"kty", "oct"}, {"alg", "HS256"}, {"kid", "k1"}, {"k", encode(secret)}}});
}

std::string unsigned_token(const std::string& algorithm) {
  return encode(Json{{"alg", algorithm}}.dump()) + "." + encode(good_payload().dump()) + ".";
}

TEST(Token, GoodOnesAreAccepted) {
  std::vector<JsonWebKey> keys = shared_secret();
  EXPECT_EQ(judge(sign(good_header(), good_payload()), keys), "");
  EXPECT_EQ(judge(with_claim("sub", 42), keys), "");
  EXPECT_EQ(judge(with_claim("aud", {"other", "second"}), keys), "");
  EXPECT_EQ(judge(with_claim("exp", now_s - 30), keys), "");
  EXPECT_EQ(judge(with_claim("exp", now_s + 3600.5), keys), "");
  EXPECT_EQ(judge(with_claim("parameters", {{"a", 1}}), keys), "");
  EXPECT_EQ(judge(with_claim("nbf", now_s), keys), "");
  EXPECT_EQ(judge(sign(Json{{"alg", "HS256"}}, good_payload()), keys), "");
}

TEST(Token, EveryAlgorithmIsAccepted) {
  struct Case {
    Pair pair;
    const char* algorithm;
    const EVP_MD* digest;
    size_t ec_size;
  };
  Pair rsa = rsa_pair();
  const Case cases[] = {{rsa, "RS256", EVP_sha256(), 0},
                        {rsa, "RS384", EVP_sha384(), 0},
                        {rsa, "RS512", EVP_sha512(), 0},
                        {rsa, "PS256", EVP_sha256(), 0},
                        {rsa, "PS384", EVP_sha384(), 0},
                        {rsa, "PS512", EVP_sha512(), 0},
                        {ec_pair("P-256", "P-256", 32), "ES256", EVP_sha256(), 32},
                        {ec_pair("P-384", "P-384", 48), "ES384", EVP_sha384(), 48},
                        {ec_pair("P-521", "P-521", 66), "ES512", EVP_sha512(), 66},
                        {ed25519_pair(), "EdDSA", nullptr, 0}};
  for (const Case& c : cases) {
    std::string token = sign_public(c.pair, c.algorithm, c.digest, c.ec_size);
    EXPECT_EQ(judge(token, key_set({c.pair.jwk})), "") << c.algorithm;
    token[token.rfind('.') + 10] ^= 1;
    EXPECT_EQ(judge(token, key_set({c.pair.jwk})), "PSYNC_S2101") << c.algorithm;
  }
  for (const auto& [algorithm, digest] :
       {std::pair{"HS384", EVP_sha384()}, {"HS512", EVP_sha512()}}) {
    std::string token =
        sign(Json{{"alg", algorithm}}.dump(), good_payload().dump(), secret, digest);
    EXPECT_EQ(judge(token, key_set({{{"kty", "oct"}, {"k", encode(secret)}}})), "");
    EXPECT_EQ(judge(token, shared_secret()), "PSYNC_S2101");  // that key is for HS256
  }
}

struct Hostile {
  const char* what;
  std::string token;
  const char* code = "PSYNC_S2101";
};

std::vector<Hostile> misshapen_tokens() {
  std::string good = sign(good_header(), good_payload());
  std::string head = encode(good_header().dump());
  return {
      {"empty", ""},
      {"a word", "garbage"},
      {"dots only", ".."},
      {"one dot", "a.b"},
      {"four parts", good + ".x"},
      {"five parts of an encrypted token", "a.b.c.d.e"},
      {"header only", head + ".."},
      {"no payload", head + ".." + encode("x")},
      {"leading blank", " " + good},
      {"trailing blank", good + " "},
      {"trailing newline", good + "\n"},
      {"NUL in the text", good.substr(0, 20) + std::string(1, '\0') + good.substr(21)},
      {"standard base64 signature", with_signature([](const std::string& s) { return s + "+/"; })},
      {"padded signature", with_signature([](const std::string& s) { return s + "="; })},
      {"non-canonical last character", with_signature([](std::string s) {
         s.back() = s.back() == 'B' ? 'C' : 'B';
         return s;
       })},
      {"empty signature", with_signature([](const std::string&) { return ""; })},
      {"half the signature",
       with_signature([](const std::string& s) { return s.substr(0, s.size() / 2 / 4 * 4); })},
      {"signature with more bytes", with_signature([](const std::string& s) {
         return encode(*decode_base64url(s) + std::string(1, '\0'));
       })},
      {"first bit flipped", with_signature([](std::string s) {
         s[0] = s[0] == 'A' ? 'B' : 'A';
         return s;
       })},
      {"signature of zeros",
       with_signature([](const std::string&) { return encode(std::string(32, '\0')); })},
      {"payload exchanged",
       head + "." + encode(Json{{"sub", "admin"}}.dump()) + good.substr(good.rfind('.'))},
      {"another secret", sign(good_header().dump(), good_payload().dump(), "guess")},
      {"empty secret", sign(good_header().dump(), good_payload().dump(), "")}};
}

std::vector<Hostile> tokens_with_hostile_headers() {
  return {
      {"alg none", unsigned_token("none")},
      {"alg None", unsigned_token("None")},
      {"alg NONE", unsigned_token("NONE")},
      {"alg nOnE with signature", with_header("alg", "nOnE")},
      {"alg empty", with_header("alg", "")},
      {"alg lower case", with_header("alg", "hs256")},
      {"alg with a blank", with_header("alg", "HS256 ")},
      {"alg number", with_header("alg", 256)},
      {"alg null", with_header("alg", nullptr)},
      {"alg list", with_header("alg", {"HS256"})},
      {"alg missing", sign(Json{{"kid", "k1"}}, good_payload())},
      {"alg of another kind", with_header("alg", "RS256")},
      {"alg of another length", with_header("alg", "HS512")},
      {"alg that only names HMAC-MD5", with_header("alg", "HMD5")},
      {"unknown kid", with_header("kid", "k2")},
      {"kid empty", with_header("kid", "")},
      {"kid number", with_header("kid", 1)},
      {"kid object", with_header("kid", Json::object())},
      {"kid with a path", with_header("kid", "../../dev/null")},
      {"kid with SQL", with_header("kid", "k1' OR '1'='1")},
      {"crit", with_header("crit", {"exp"})},
      {"crit b64", with_header("crit", {"b64"})},
      {"header a list", sign("[]", good_payload().dump())},
      {"header a string", sign("\"HS256\"", good_payload().dump())},
      {"header not JSON", sign("{alg:HS256}", good_payload().dump())},
      {"header invalid UTF-8", sign("{\"alg\":\"HS256\",\"x\":\"\xff\"}", good_payload().dump())}};
}

std::vector<Hostile> tokens_with_hostile_claims() {
  std::string nested = std::string(200, '[') + std::string(200, ']');
  return {{"payload a list", with_payload("[]")},
          {"payload null", with_payload("null")},
          {"payload not JSON", with_payload("sub=u1")},
          {"payload cut", with_payload(good_payload().dump().substr(0, 20))},
          {"payload with text after it", with_payload(good_payload().dump() + "x")},
          {"payload invalid UTF-8", with_payload("{\"sub\":\"\xc3\x28\"}")},
          {"payload nested deeply", with_payload("{\"x\":" + nested + "}")},
          {"NUL in sub", with_payload("{\"sub\":\"a\\u0000b\"}")},
          {"too large", sign(good_header(), Json{{"x", std::string(20'000, 'x')}})},
          {"sub missing", without_claim("sub")},
          {"sub null", with_claim("sub", nullptr)},
          {"sub object", with_claim("sub", Json::object())},
          {"sub list", with_claim("sub", {"u1"})},
          {"sub true", with_claim("sub", true)},
          {"aud missing", without_claim("aud"), "PSYNC_S2105"},
          {"aud other", with_claim("aud", "other"), "PSYNC_S2105"},
          {"aud empty", with_claim("aud", ""), "PSYNC_S2105"},
          {"aud empty list", with_claim("aud", Json::array()), "PSYNC_S2105"},
          {"aud number", with_claim("aud", 1), "PSYNC_S2105"},
          {"aud prefix", with_claim("aud", "powersyn"), "PSYNC_S2105"},
          {"aud longer", with_claim("aud", "powersync-dev"), "PSYNC_S2105"},
          {"aud list of others", with_claim("aud", {"a", "b"}), "PSYNC_S2105"},
          {"exp missing", without_claim("exp")},
          {"exp text", with_claim("exp", std::to_string(now_s + 60))},
          {"exp null", with_claim("exp", nullptr)},
          {"exp negative", with_claim("exp", -1)},
          {"exp past", with_claim("exp", now_s - 3600), "PSYNC_S2103"},
          {"exp just past the tolerance", with_claim("exp", now_s - 61), "PSYNC_S2103"},
          {"exp zero", with_claim("exp", 0), "PSYNC_S2103"},
          {"exp after the year 9999", with_claim("exp", 1e300)},
          {"exp of the largest integer", with_claim("exp", INT64_MAX)},
          {"iat missing", without_claim("iat")},
          {"iat text", with_claim("iat", "now")},
          {"iat negative", with_claim("iat", -5)},
          {"lifetime too long", with_claim("exp", now_s + 200'000), "PSYNC_S2104"},
          {"iat long ago", with_claim("iat", now_s - 100'000), "PSYNC_S2104"},
          {"nbf in the future", with_claim("nbf", now_s + 600)},
          {"nbf text", with_claim("nbf", "soon")},
          {"parameters a list", with_claim("parameters", Json::array())},
          {"parameters a string", with_claim("parameters", "x")}};
}

TEST(Token, HostileOnesAreRefused) {
  std::vector<JsonWebKey> keys = shared_secret();
  for (const auto& tokens :
       {misshapen_tokens(), tokens_with_hostile_headers(), tokens_with_hostile_claims()}) {
    for (const Hostile& hostile : tokens) {
      EXPECT_EQ(judge(hostile.token, keys), hostile.code) << hostile.what;
    }
  }
}

TEST(Token, FutureIssueDoesNotProlongIt) {
  Json payload = good_payload();
  payload["iat"] = now_s + 1'000'000;
  payload["exp"] = now_s + 1'003'600;
  EXPECT_EQ(judge(sign(good_header(), payload), shared_secret()), "PSYNC_S2104");
}

TEST(Token, PublicKeyIsNoSharedSecret) {
  Pair rsa = rsa_pair();
  std::string header = Json{{"alg", "HS256"}, {"kid", "rsa"}}.dump();
  std::string token = sign(header, good_payload().dump(), rsa.jwk["n"].get<std::string>());
  EXPECT_EQ(judge(token, key_set({rsa.jwk})), "PSYNC_S2101");
}

TEST(Token, CurveAndAlgorithmBelongTogether) {
  Pair pair = ec_pair("P-256", "P-256", 32);
  std::string token = sign_public(pair, "ES384", EVP_sha384(), 32);
  EXPECT_EQ(judge(token, key_set({pair.jwk})), "PSYNC_S2101");
  // CVE-2022-21449: R and S of zero are a signature of nothing.
  std::string zero = sign_public(pair, "ES256", EVP_sha256(), 32);
  zero = zero.substr(0, zero.rfind('.') + 1) + encode(std::string(64, '\0'));
  EXPECT_EQ(judge(zero, key_set({pair.jwk})), "PSYNC_S2101");
}

TEST(JsonWebKey, UnusableKeysAreRefusedWithTheReason) {
  const std::pair<Json, const char*> cases[] = {
      {Json::array(), "object"},
      {{{"kty", "oct"}}, "'k'"},
      {{{"kty", "oct"}, {"k", "!"}}, "'k'"},
      {{{"kty", "oct"}, {"k", "eHh4"}, {"alg", "RS256"}}, "does not fit"},
      {{{"kty", "oct"}, {"k", "eHh4"}, {"use", "enc"}}, "use"},
      {{{"kty", "RSA"}}, "not a valid RSA"},
      {rsa_pair(1024).jwk, "not a valid RSA"},
      {{{"kty", "EC"}, {"crv", "secp256k1"}}, "not supported"},
      {{{"kty", "EC"},
        {"crv", "P-256"},
        {"x", encode(std::string(32, 'x'))},
        {"y", encode(std::string(32, 'y'))}},
       "not a valid EC"},
      {{{"kty", "OKP"}, {"crv", "X25519"}, {"x", encode(std::string(32, 'x'))}}, "not a valid OKP"},
      {{{"kty", "none"}}, "not supported"},
  };
  for (const auto& [jwk, reason] : cases) {
    Result<JsonWebKey, std::string> key = JsonWebKey::parse(jwk);
    ASSERT_FALSE(key) << jwk;
    EXPECT_NE(key.error().find(reason), std::string::npos) << key.error();
  }
}

TEST(TokenOfHeader, SchemesThatCount) {
  EXPECT_EQ(*token_of_header("Token abc"), "abc");
  EXPECT_EQ(*token_of_header("Bearer abc"), "abc");
  for (const char* header : {"", "abc", "Basic abc", "Token", "Bearer"}) {
    EXPECT_EQ(token_of_header(header).error().code, "PSYNC_S2106") << header;
  }
}

}  // namespace
}  // namespace brigade::sidecar
