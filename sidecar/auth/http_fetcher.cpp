#include "auth/http_fetcher.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace brigade::sidecar {

namespace {

constexpr long timeout_ms_max = 10'000;
constexpr size_t body_bytes_max = 1 << 20;
constexpr long redirects_max = 3;

struct Network {
  uint32_t address;
  int prefix_bits;
};

/// IPv4 networks that are not global (RFC 6890 and its registry), and multicast.
constexpr Network special_networks[] = {
    {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
    {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
    {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4}};

bool is_public_v4(uint32_t address) {
  return std::none_of(std::begin(special_networks), std::end(special_networks),
                      [&](const Network& network) {
                        return (address ^ network.address) >> (32 - network.prefix_bits) == 0;
                      });
}

bool is_public_v6(const in6_addr& address) {
  const uint8_t* bytes = address.s6_addr;
  auto embedded_v4 = [bytes](int at) {
    return static_cast<uint32_t>(bytes[at]) << 24 | static_cast<uint32_t>(bytes[at + 1]) << 16 |
           static_cast<uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
  };
  if (IN6_IS_ADDR_V4MAPPED(&address)) return is_public_v4(embedded_v4(12));
  bool nat64 = bytes[0] == 0 && bytes[1] == 0x64 && bytes[2] == 0xff && bytes[3] == 0x9b;
  if (nat64) return is_public_v4(embedded_v4(12));
  bool six_to_four = bytes[0] == 0x20 && bytes[1] == 0x02;
  if (six_to_four) return is_public_v4(embedded_v4(2));
  // Global unicast is 2000::/3; documentation 2001:db8::/32 and Teredo 2001::/32 lie in it.
  bool documentation = bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0d && bytes[3] == 0xb8;
  bool teredo = bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0 && bytes[3] == 0;
  return bytes[0] >> 5 == 1 && !documentation && !teredo;
}

curl_socket_t open_public_socket(void*, curlsocktype, curl_sockaddr* address) {
  if (!is_public_address(&address->addr)) return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

size_t append_body(char* bytes, size_t size, size_t count, void* body) {
  auto& text = *static_cast<std::string*>(body);
  // Any other count than that of the bytes makes curl give up.
  if (text.size() + size * count > body_bytes_max) return 0;
  text.append(bytes, size * count);
  return size * count;
}

}  // namespace

bool is_public_address(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    return is_public_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (address->sa_family != AF_INET6) return false;
  sockaddr_in6 v6;
  std::memcpy(&v6, address, sizeof v6);
  return is_public_v6(v6.sin6_addr);
}

struct HttpFetcher::Transfer {
  CURL* easy;
  std::string body;
  Callback done;
};

struct HttpFetcher::Socket {
  uv_poll_t poll;
  HttpFetcher* owner;
  curl_socket_t number;
};

HttpFetcher::HttpFetcher(uv_loop_t* loop)
    : loop_(loop),
      multi_(curl_multi_init()),
      timer_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

HttpFetcher::~HttpFetcher() {
  for (auto& [easy, transfer] : transfers_) {
    curl_multi_remove_handle(multi_, easy);
    curl_easy_cleanup(easy);
  }
  curl_multi_cleanup(multi_);
}

void HttpFetcher::fetch(const std::string& url, bool public_addresses_only, Callback done) {
  CURL* easy = curl_easy_init();
  auto transfer = std::make_unique<Transfer>(Transfer{easy, "", std::move(done)});
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, redirects_max);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms_max);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Nobody asks about the address of a connection that is used once more.
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, append_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer->body);
  if (public_addresses_only) {
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_public_socket);
    // A proxy would connect in our place, to wherever it likes.
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
  }
  transfers_[easy] = std::move(transfer);
  curl_multi_add_handle(multi_, easy);
}

int HttpFetcher::on_timer(CURLM*, long timeout_ms, void* self) {
  Timer& timer = static_cast<HttpFetcher*>(self)->timer_;
  timeout_ms < 0 ? timer.stop() : timer.start(timeout_ms);
  return 0;
}

int HttpFetcher::on_socket(CURL*, curl_socket_t socket, int action, void* self, void* assigned) {
  static_cast<HttpFetcher*>(self)->watch(socket, action, static_cast<Socket*>(assigned));
  return 0;
}

void HttpFetcher::watch(curl_socket_t socket, int action, Socket* watched) {
  if (action == CURL_POLL_REMOVE) {
    curl_multi_assign(multi_, socket, nullptr);
    if (watched == nullptr) return;
    uv_poll_stop(&watched->poll);
    uv_close(reinterpret_cast<uv_handle_t*>(&watched->poll),
             [](uv_handle_t* handle) { delete static_cast<Socket*>(handle->data); });
    return;
  }
  if (watched == nullptr) {
    watched = new Socket{{}, this, socket};
    uv_poll_init_socket(loop_, &watched->poll, socket);
    watched->poll.data = watched;
    curl_multi_assign(multi_, socket, watched);
  }
  int events = ((action & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
               ((action & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
  uv_poll_start(&watched->poll, events, [](uv_poll_t* poll, int status, int ready) {
    auto* ready_socket = static_cast<Socket*>(poll->data);
    int flags = ((ready & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                ((ready & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0) |
                (status < 0 ? CURL_CSELECT_ERR : 0);
    ready_socket->owner->act(ready_socket->number, flags);
  });
}

void HttpFetcher::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, events, &running);
  finish_transfers();
}

void HttpFetcher::finish_transfers() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    CURLcode code = message->data.result;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    std::unique_ptr<Transfer> transfer = std::move(transfers_[easy]);
    transfers_.erase(easy);
    curl_multi_remove_handle(multi_, easy);
    curl_easy_cleanup(easy);
    if (code != CURLE_OK) {
      transfer->done(std::string(curl_easy_strerror(code)));
    } else if (status != 200) {
      transfer->done("the answer has status " + std::to_string(status));
    } else {
      // Both sides of this Result are strings.
      transfer->done(Result<std::string, std::string>::success(std::move(transfer->body)));
    }
  }
}

}  // namespace brigade::sidecar
