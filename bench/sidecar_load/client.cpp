#include "client.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "auth/base64.h"

namespace brigade::bench {

namespace {

constexpr auto encode = sidecar::encode_base64url;

std::string make_token(const Options& options) {
  auto now = static_cast<long>(time(nullptr));
  std::string text = encode("{\"alg\":\"HS256\"}") + "." +
                     encode("{\"sub\":\"" + options.user + "\",\"aud\":\"powersync\",\"iat\":" +
                            std::to_string(now) + ",\"exp\":" + std::to_string(now + 3600) + "}");
  std::string key = *sidecar::decode_base64url(options.secret);
  unsigned char digest[32];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return text + "." + encode({reinterpret_cast<char*>(digest), size});
}

std::string stream_request(const Options& options, const std::string& buckets) {
  std::string body = "{\"raw_data\":true,\"client_id\":\"bench\",\"buckets\":[" + buckets + "]}";
  return "POST /sync/stream HTTP/1.1\r\nhost: bench\r\nauthorization: Token " +
         make_token(options) +
         "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

}  // namespace

void Client::open(uv_loop_t* loop, int port, std::string request) {
  request_ = std::move(request);
  uv_tcp_init(loop, &socket_);
  socket_.data = this;
  connect_.data = this;
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", port, &address);
  uv_tcp_connect(&connect_, &socket_, reinterpret_cast<sockaddr*>(&address),
                 [](uv_connect_t* connect, int status) {
                   static_cast<Client*>(connect->data)->on_connected(status);
                 });
}

void Client::on_connected(int status) {
  if (status != 0) {
    std::fprintf(stderr, "connect: %s\n", uv_strerror(status));
    std::exit(1);
  }
  auto* stream = reinterpret_cast<uv_stream_t*>(&socket_);
  uv_buf_t buffer = uv_buf_init(request_.data(), static_cast<unsigned>(request_.size()));
  uv_try_write(stream, &buffer, 1);
  request_ = {};
  uv_read_start(
      stream,
      [](uv_handle_t*, size_t, uv_buf_t* read) {
        static char shared[1 << 18];
        *read = uv_buf_init(shared, sizeof shared);
      },
      [](uv_stream_t* from, ssize_t size, const uv_buf_t* read) {
        if (size > 0)
          static_cast<Client*>(from->data)->on_bytes({read->base, static_cast<size_t>(size)});
      });
}

void Client::on_bytes(std::string_view chunk) {
  bytes += chunk.size();
  if (on_text) on_text(chunk);
  if (first_line.empty()) {
    keep_first_line(chunk);
  } else {
    count_completes(chunk);
  }
}

void Client::keep_first_line(std::string_view chunk) {
  tail_ += chunk;
  size_t start = tail_.find("{\"checkpoint\":");
  size_t end = tail_.find('\n', start);
  if (start == std::string::npos || end == std::string::npos) return;
  first_line = tail_.substr(start, end - start);
  count_completes(std::exchange(tail_, {}));
}

/// A mark may lie across two chunks: a few bytes of the last are kept.
void Client::count_completes(std::string_view chunk) {
  static constexpr std::string_view mark = "{\"checkpoint_complete\"";
  std::string seam = tail_ + std::string(chunk.substr(0, mark.size() - 1));
  completes += seam.find(mark) != std::string::npos ? 1 : 0;
  for (size_t at = 0; (at = chunk.find(mark, at)) != std::string_view::npos; at += mark.size()) {
    completes++;
  }
  tail_ = chunk.substr(chunk.size() < mark.size() ? 0 : chunk.size() - mark.size() + 1);
}

void Fleet::open(size_t count, const std::string& buckets) {
  std::string request = stream_request(options_, buckets);
  for (size_t i = 0; i < count; i++) {
    clients.push_back(std::make_unique<Client>());
    clients.back()->open(loop_, options_.port, request);
    // A listening socket's queue is bounded: let the loop turn.
    if (i % 512 == 511) uv_run(loop_, UV_RUN_NOWAIT);
  }
}

void Fleet::wait_for_completes(size_t each) {
  auto done = [each](const auto& client) { return client->completes >= each; };
  while (!std::all_of(clients.begin(), clients.end(), done)) uv_run(loop_, UV_RUN_ONCE);
}

void Fleet::close() {
  for (auto& client : clients) client->close();
  uv_run(loop_, UV_RUN_NOWAIT);
}

std::string positions_of(const std::string& checkpoint) {
  std::string positions;
  size_t at = checkpoint.find("\"last_op_id\":\"") + 14;
  std::string op_id = checkpoint.substr(at, checkpoint.find('"', at) - at);
  static constexpr std::string_view key = "{\"bucket\":";
  for (at = 0; (at = checkpoint.find(key, at)) != std::string::npos;) {
    at += key.size();
    size_t end = checkpoint.find(",\"checksum\"", at);
    positions += (positions.empty() ? "" : ",");
    positions += "{\"name\":" + checkpoint.substr(at, end - at) + ",\"after\":\"" + op_id + "\"}";
  }
  return positions;
}

}  // namespace brigade::bench
