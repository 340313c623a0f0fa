// HTTP over real loopback sockets, on an event loop that the test turns.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "http/chunked_sink.h"
#include "http/http_connection.h"
#include "http/router.h"
#include "net/listener.h"

namespace brigade::sidecar {
namespace {

/// A client's blocking socket in non-blocking mode.
class RawClient {
 public:
  explicit RawClient(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    fcntl(socket_, F_SETFL, O_NONBLOCK);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { vanish(); }

  void send(std::string_view bytes) {
    EXPECT_EQ(write(socket_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void vanish() {
    if (socket_ >= 0) close(std::exchange(socket_, -1));
  }
  /// Takes what has come; true while the connection is open.
  bool poll() {
    std::array<char, 65'536> bytes;
    ssize_t size = 0;
    while ((size = read(socket_, bytes.data(), bytes.size())) > 0) {
      received.append(bytes.data(), static_cast<size_t>(size));
    }
    return size < 0 && errno == EAGAIN;
  }
  std::string received;

 private:
  int socket_;
};

/// Sends lines until it is told to stop.
class Streamer : public StreamOwner {
 public:
  explicit Streamer(const std::shared_ptr<Exchange>& exchange)
      : sink(exchange, "application/x-ndjson", ContentCoding::identity) {}
  void on_drained() override { drained++; }
  void on_stalled() override { stalled++; }
  void on_closed() override { closed++; }
  ChunkedSink sink;
  int drained = 0;
  int stalled = 0;
  int closed = 0;
};

class HttpTest : public testing::Test {
 protected:
  HttpTest() {
    uv_loop_init(&loop_);
    router_.add("GET", "/hello", [](const std::shared_ptr<Exchange>& exchange) {
      exchange->respond(HttpResponse::json(200, "{}"));
    });
    router_.add("POST", "/late",
                [this](const std::shared_ptr<Exchange>& exchange) { late_ = exchange; });
    router_.add("POST", "/stream", [this](const std::shared_ptr<Exchange>& exchange) {
      streamer_ = std::make_shared<Streamer>(exchange);
      exchange->take_over(streamer_);
    });
    handle_ = [this](const std::shared_ptr<Exchange>& exchange) { router_.handle(exchange); };
    listener_ = std::make_unique<Listener>(
        &loop_,
        [this](Connection& connection) {
          return std::make_unique<HttpConnection>(connection, RequestLimits{}, timeouts_, handle_);
        },
        [] { return nullptr; });
    EXPECT_EQ(listener_->listen("127.0.0.1", 0), "");
  }
  ~HttpTest() override {
    late_.reset();
    listener_->stop();
    listener_->stop_ticking();
    for (Connection* connection : listener_->connections()) connection->close();
    uv_run(&loop_, UV_RUN_DEFAULT);
    listener_.reset();
    uv_run(&loop_, UV_RUN_DEFAULT);
    EXPECT_EQ(uv_loop_close(&loop_), 0);
  }

  /// Turns the loop until `done` or, after two seconds, fails.
  void turn_until(const std::function<bool()>& done) {
    uint64_t deadline = uv_now(&loop_) + 2'000;
    while (!done()) {
      uv_run(&loop_, UV_RUN_NOWAIT);
      uv_update_time(&loop_);
      ASSERT_LT(uv_now(&loop_), deadline);
    }
  }
  void turn_until_closed(RawClient& client) {
    turn_until([&] { return !client.poll(); });
  }
  void turn_until_received(RawClient& client, const std::string& text) {
    turn_until([&] {
      client.poll();
      return client.received.find(text) != std::string::npos;
    });
  }
  void tick(int64_t later_ms) {
    for (Connection* connection : listener_->connections()) {
      connection->tick(connection->now_ms() + later_ms);
    }
  }

  uv_loop_t loop_;
  HttpTimeouts timeouts_;
  Router router_;
  HttpConnection::Handle handle_;
  std::unique_ptr<Listener> listener_;
  std::shared_ptr<Exchange> late_;
  std::shared_ptr<Streamer> streamer_;
};

constexpr std::string_view hello = "GET /hello HTTP/1.1\r\nhost: h\r\n\r\n";
constexpr std::string_view post_late =
    "POST /late HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n";
constexpr std::string_view post_stream =
    "POST /stream HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n";

TEST_F(HttpTest, KeepAliveServesRequestAfterRequest) {
  RawClient client(listener_->port());
  for (int i = 0; i < 3; i++) {
    client.received.clear();
    client.send(hello);
    turn_until_received(client, "\r\n\r\n{}");
    EXPECT_EQ(client.received.find("HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\n"), 0U);
  }
}

TEST_F(HttpTest, PipeliningIsRefusedCleanly) {
  RawClient client(listener_->port());
  client.send(std::string(hello) + std::string(hello));
  turn_until_closed(client);
  EXPECT_NE(client.received.find("connection: close"), std::string::npos);
  EXPECT_EQ(client.received.find("HTTP/1.1", 1), std::string::npos);
}

TEST_F(HttpTest, GarbageGetsAnAnswerAndAnEnd) {
  RawClient client(listener_->port());
  client.send("\x01\x02\x03 garbage\r\n\r\n");
  turn_until_closed(client);
  EXPECT_EQ(client.received.find("HTTP/1.1 400"), 0U);
}

TEST_F(HttpTest, PreflightUnknownPathsAndMediaTypes) {
  RawClient client(listener_->port());
  client.send("OPTIONS /hello HTTP/1.1\r\nhost: h\r\norigin: x\r\n\r\n");
  turn_until_received(client, "access-control-max-age: 3600");
  client.send("GET /nope HTTP/1.1\r\nhost: h\r\n\r\n");
  turn_until_received(client, "PSYNC_S2002");
  client.send(
      "POST /late HTTP/1.1\r\nhost: h\r\ncontent-type: text/xml\r\ncontent-length: 0\r\n\r\n");
  turn_until_received(client, "PSYNC_S2004");
}

TEST_F(HttpTest, SlowRequestsAndIdleConnectionsAreClosed) {
  RawClient slow(listener_->port());
  RawClient idle(listener_->port());
  slow.send("GET /hel");
  turn_until([&] { return listener_->connection_count() == 2; });
  for (int i = 0; i < 20; i++) uv_run(&loop_, UV_RUN_NOWAIT);
  tick(timeouts_.request_ms_max + 1'000);
  turn_until_closed(slow);
  EXPECT_TRUE(idle.poll());
  tick(timeouts_.idle_ms_max + 1'000);
  turn_until_closed(idle);
}

TEST_F(HttpTest, AnswerToAClientThatVanishedGoesNowhere) {
  RawClient client(listener_->port());
  client.send(post_late);
  turn_until([&] { return late_ != nullptr; });
  client.vanish();
  turn_until([&] { return listener_->connection_count() == 0; });
  EXPECT_FALSE(late_->open());
  late_->respond(HttpResponse::json(200, "{}"));
}

TEST_F(HttpTest, RefusalReachesAClientThatGoesOnTalking) {
  RawClient client(listener_->port());
  client.send("GET /hello HTTP/1.1\r\nx: ");
  for (int i = 0; i < 4; i++) client.send(std::string(60'000, 'y'));
  turn_until_received(client, "HTTP/1.1 431 ");
  for (int i = 0; i < 20; i++) uv_run(&loop_, UV_RUN_NOWAIT);
  EXPECT_EQ(listener_->connection_count(), 1U);
  client.vanish();
  turn_until([&] { return listener_->connection_count() == 0; });
}

TEST_F(HttpTest, AFinishedConnectionIsNotKeptForEver) {
  RawClient client(listener_->port());
  client.send("garbage\r\n\r\n");
  turn_until_received(client, "HTTP/1.1 400 ");
  tick(3'000);
  turn_until([&] { return listener_->connection_count() == 0; });
}

TEST_F(HttpTest, StreamIsChunkedAndEnds) {
  RawClient client(listener_->port());
  client.send(post_stream);
  turn_until([&] { return streamer_ != nullptr; });
  streamer_->sink.write(std::make_shared<const std::string>("{\"a\":1}\n"));
  streamer_->sink.write(std::make_shared<const std::string>("{\"b\":2}\n"));
  streamer_->sink.flush();
  turn_until_received(client, "\r\n\r\n10\r\n{\"a\":1}\n{\"b\":2}\n\r\n");
  streamer_->sink.finish();
  turn_until_closed(client);
  EXPECT_TRUE(client.received.ends_with("\r\n0\r\n\r\n"));
  client.vanish();
  turn_until([&] { return streamer_->closed == 1; });
}

TEST_F(HttpTest, SlowReaderFillsABoundedQueueAndIsDropped) {
  RawClient client(listener_->port());
  client.send(post_stream);
  turn_until([&] { return streamer_ != nullptr; });
  auto line = std::make_shared<const std::string>(100'000, 'x');
  int written = 0;
  while (streamer_->sink.writable() && written < 1'000) {
    streamer_->sink.write(line);
    streamer_->sink.flush();
    written++;
  }
  EXPECT_LT(written, 1'000);
  EXPECT_EQ(streamer_->drained, 0);
  // It wakes up and reads: the stream may go on.
  turn_until([&] {
    client.poll();
    return streamer_->drained > 0;
  });
  EXPECT_TRUE(streamer_->sink.writable());
  while (streamer_->sink.writable()) {
    streamer_->sink.write(line);
    streamer_->sink.flush();
  }
  tick(timeouts_.stalled_ms_max + 1'000);
  turn_until([&] { return streamer_->closed == 1; });
  EXPECT_EQ(streamer_->stalled, 1);
}

TEST_F(HttpTest, TwoHundredClientsVanishAtOnce) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; i++) {
    clients.push_back(std::make_unique<RawClient>(listener_->port()));
    clients.back()->send(i % 2 == 0 ? post_stream : std::string_view("POST /st"));
  }
  turn_until([&] { return listener_->connection_count() == 200; });
  clients.clear();
  turn_until([&] { return listener_->connection_count() == 0; });
}

}  // namespace
}  // namespace brigade::sidecar
