#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>

#include "auth/http_fetcher.h"
#include "auth/remote_key_set.h"
#include "http/compressor.h"
#include "net/websocket.h"
#include "protocol/json_writer.h"
#include "protocol/rsocket.h"

namespace brigade::sidecar {
namespace {

std::vector<SharedBytes> sample_lines() {
  std::vector<SharedBytes> lines;
  for (int i = 0; i < 200; i++) {
    std::string line = "{\"token_expires_in\":" + std::to_string(i) + "}\n";
    if (i % 3 == 0) line = std::string(static_cast<size_t>(i) * 500, 'x') + line;
    lines.push_back(std::make_shared<const std::string>(line));
  }
  lines.push_back(lines[3]);  // As another stream would: remembered in compressed form.
  return lines;
}

TEST(Compressor, GzipDecodesAfterEveryPiece) {
  std::unique_ptr<Compressor> compressor = make_compressor(ContentCoding::gzip);
  z_stream stream{};
  inflateInit2(&stream, MAX_WBITS + 16);
  auto inflate_piece = [&stream](const std::string& piece, int expected_status) {
    std::string out(1 << 20, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream.avail_in = static_cast<uInt>(piece.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_SYNC_FLUSH), expected_status);
    out.resize(out.size() - stream.avail_out);
    return out;
  };
  for (const SharedBytes& line : sample_lines()) {
    EXPECT_EQ(inflate_piece(*compressor->compress(line), Z_OK), *line);
  }
  EXPECT_EQ(inflate_piece(compressor->finish(), Z_STREAM_END), "");  // checks length and checksum
  inflateEnd(&stream);
}

TEST(Compressor, ZstdDecodesAfterEveryPiece) {
  std::unique_ptr<Compressor> compressor = make_compressor(ContentCoding::zstd);
  ZSTD_DStream* stream = ZSTD_createDStream();
  for (const SharedBytes& line : sample_lines()) {
    SharedBytes piece = compressor->compress(line);
    std::string out(1 << 20, '\0');
    ZSTD_inBuffer in{piece->data(), piece->size(), 0};
    ZSTD_outBuffer buffer{out.data(), out.size(), 0};
    while (in.pos < in.size)
      ASSERT_FALSE(ZSTD_isError(ZSTD_decompressStream(stream, &buffer, &in)));
    EXPECT_EQ(out.substr(0, buffer.pos), *line);
  }
  ZSTD_freeDStream(stream);
}

TEST(JsonString, EscapesAsJavaScriptDoes) {
  auto escaped = [](std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
  };
  EXPECT_EQ(escaped("a\"b\\c\n\r\t\b\f"), R"("a\"b\\c\n\r\t\b\f")");
  EXPECT_EQ(escaped(std::string_view("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(escaped("größe 😀"), "\"größe 😀\"");
  // Every position in and across the 16-byte steps, and across the pieces.
  for (size_t size : {15, 16, 17, 4095, 4096, 4097, 9000}) {
    for (size_t at = 0; at<size; at += size> 100 ? 511 : 1) {
      std::string text(size, 'x');
      text[at] = '"';
      std::string expected = "\"" + text.substr(0, at) + "\\\"" + text.substr(at + 1) + "\"";
      EXPECT_EQ(escaped(text), expected);
    }
  }
  EXPECT_EQ(escaped(std::string(5000, '\x01')).size(), 2 + 6 * 5000U);
}

TEST(RSocket, FramesOfTheClient) {
  std::string setup("\0\0\0\0\x05\0\0\1\0\0\0\0\x4e\x20\0\1\x5f\x90\3a/b\3c/d\0\0\2{}", 31);
  // SETUP is type 1: 0x01 << 10 = 0x0400, with metadata 0x0100.
  auto frame = parse_rsocket_frame(setup);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->type, RSocketFrame::Type::setup);
  EXPECT_EQ(frame->lifetime_ms, 90'000U);
  EXPECT_EQ(frame->metadata, "{}");
  for (size_t size = 0; size < setup.size(); size++) {
    EXPECT_FALSE(parse_rsocket_frame(setup.substr(0, size))) << size;
  }
  auto more = parse_rsocket_frame(std::string("\0\0\0\1\x20\0\0\0\0\x0a", 10));
  ASSERT_TRUE(more);
  EXPECT_EQ(more->type, RSocketFrame::Type::request_n);
  EXPECT_EQ(more->request_n, 10U);
  EXPECT_FALSE(parse_rsocket_frame(std::string("\x80\0\0\1\x20\0\0\0\0\x0a", 10)));
}

TEST(RSocket, FramesOfOurs) {
  EXPECT_EQ(rsocket_payload_head(1), std::string("\0\0\0\1\x28\x20", 6));
  EXPECT_EQ(rsocket_complete(1), std::string("\0\0\0\1\x28\x40", 6));
  EXPECT_EQ(rsocket_error(1, rsocket_application_error, "no"),
            std::string("\0\0\0\1\x2c\0\0\0\2\1no", 12));
}

TEST(WebSocket, AcceptKeyOfTheStandard) {
  // RFC 6455 §1.3
  EXPECT_EQ(WebSocket::accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(WebSocket::accept_key("short"), "");
}

bool is_public(const char* text) {
  sockaddr_storage address{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    address.ss_family = AF_INET;
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text, &v6->sin6_addr), 1) << text;
    address.ss_family = AF_INET6;
  }
  return is_public_address(reinterpret_cast<sockaddr*>(&address));
}

TEST(HttpFetcher, SpecialAddressesAreNotPublic) {
  for (const char* address : {"127.0.0.1",
                              "10.1.2.3",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.1.1",
                              "169.254.169.254",
                              "100.64.0.1",
                              "0.0.0.0",
                              "224.0.0.1",
                              "255.255.255.255",
                              "::1",
                              "::",
                              "fe80::1",
                              "fc00::1",
                              "fd12::1",
                              "ff02::1",
                              "::ffff:127.0.0.1",
                              "::ffff:10.0.0.1",
                              "64:ff9b::7f00:1",
                              "2002:7f00:1::",
                              "2001:db8::1",
                              "2001::1"}) {
    EXPECT_FALSE(is_public(address)) << address;
  }
  for (const char* address : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
                              "::ffff:8.8.8.8", "2002:808:808::"}) {
    EXPECT_TRUE(is_public(address)) << address;
  }
}

class RemoteKeySetTest : public testing::Test {
 protected:
  RemoteKeySetTest() {
    auto fetch = [this](const std::string&, RemoteKeySet::FetchCallback done) {
      fetches_++;
      pending_ = std::move(done);
    };
    keys_ = std::make_shared<RemoteKeySet>(
        "http://x", fetch, [this] { return now_ms_; }, RemoteKeySet::Times{});
  }
  void answer(const std::string& kid) {
    std::exchange(pending_, nullptr)(Result<std::string, std::string>::success(
        R"({"keys":[{"kty":"oct","k":"eHh4","kid":")" + kid + "\"}]}"));
  }
  void fail() { std::exchange(pending_, nullptr)(std::string("no route")); }

  int64_t now_ms_ = 1'000'000;
  int fetches_ = 0;
  int refreshed_ = 0;
  RemoteKeySet::FetchCallback pending_;
  std::shared_ptr<RemoteKeySet> keys_;
};

TEST_F(RemoteKeySetTest, UnknownKeysFetchOnceInACooldown) {
  for (int i = 0; i < 5; i++) keys_->refresh([this] { refreshed_++; });
  EXPECT_EQ(fetches_, 1);
  EXPECT_EQ(refreshed_, 0);
  answer("a");
  EXPECT_EQ(refreshed_, 5);
  EXPECT_EQ(keys_->keys().size(), 1U);
  keys_->refresh([this] { refreshed_++; });
  EXPECT_EQ(fetches_, 1);
  EXPECT_EQ(refreshed_, 6);
  now_ms_ += 30'000;
  keys_->refresh([this] { refreshed_++; });
  EXPECT_EQ(fetches_, 2);
  answer("b");
  EXPECT_EQ(*keys_->keys()[0].key_id(), "b");
}

TEST_F(RemoteKeySetTest, UseRenewsInTheBackgroundAndFailuresKeepOldKeys) {
  keys_->refresh([] {});
  answer("a");
  now_ms_ += 6 * 60'000;
  EXPECT_EQ(keys_->keys().size(), 1U);
  EXPECT_EQ(fetches_, 2);
  fail();
  EXPECT_EQ(keys_->keys().size(), 1U);
  EXPECT_EQ(fetches_, 2);
  now_ms_ += 2'000;
  EXPECT_EQ(keys_->keys().size(), 1U);
  EXPECT_EQ(fetches_, 3);
  fail();
  now_ms_ += 60 * 60'000;
  EXPECT_TRUE(keys_->keys().empty());
}

}  // namespace
}  // namespace brigade::sidecar
