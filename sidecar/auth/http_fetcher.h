#pragma once

#include <curl/curl.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "net/timer.h"
#include "result.h"

namespace brigade::sidecar {

/// Fetches small documents over http and https on the event loop (libcurl's multi interface).
class HttpFetcher {
 public:
  /// The body of a 200 answer, or why there is none.
  using Callback = std::function<void(Result<std::string, std::string>)>;

  explicit HttpFetcher(uv_loop_t* loop);
  HttpFetcher(const HttpFetcher&) = delete;
  HttpFetcher& operator=(const HttpFetcher&) = delete;
  ~HttpFetcher();

  /// `public_addresses_only`: refuses to connect to private, loopback, link-local and other special
  /// addresses; judged by the address the name led to, so that no name can lead inside.
  void fetch(const std::string& url, bool public_addresses_only, Callback done);

 private:
  struct Transfer;
  struct Socket;

  static int on_socket(CURL* easy, curl_socket_t socket, int action, void* self, void* assigned);
  static int on_timer(CURLM* multi, long timeout_ms, void* self);
  void watch(curl_socket_t socket, int action, Socket* watched);
  void act(curl_socket_t socket, int events);
  void finish_transfers();

  uv_loop_t* loop_;
  CURLM* multi_;
  Timer timer_;
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> transfers_;
};

/// True for addresses of the public internet (RFC 6890 lists the others). `address` is a sockaddr.
bool is_public_address(const struct sockaddr* address);

}  // namespace brigade::sidecar
