// Load for brigade-sidecar: many clients in one process, and commits through libpq.
//
//   sidecar_load --port P --secret BASE64URL --database URI --commit SQL [--pid SIDECAR]
//                [--postmaster PID] [--user NAME] SCENARIO…
//
// `bench/sidecar.js` sets all of that up. --user holds for the scenarios that follow it.
// SQL is one statement that commits a row whose data hold the text `bench-%d`. Scenarios:
//   idle N          opens N clients, waits for their first checkpoint, prints the memory they cost
//   latency N R S   N clients while R commits/s run for S seconds: commit to receipt
//   download        one client that has nothing: operations/s
//   first           one client that has nothing: to the first line, and to the completion
//   storm N         from now on N connections a second come and are reset at once
//   reconnect N     N clients that have everything connect at once: until the last completes
#include <libpq-fe.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/resource.h>
#include <uv.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "auth/base64.h"

namespace {

double now_ms() {
  using std::chrono::duration;
  return duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Options {
  int port = 8080;
  long sidecar_pid = 0;
  long postmaster_pid = 0;
  std::string user = "u1";
  std::string secret;
  std::string database;
  std::string commit;
};
Options options;

std::string encode(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                             reinterpret_cast<const unsigned char*>(bytes.data()),
                             static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string make_token(const std::string& user) {
  auto now = static_cast<long>(time(nullptr));
  std::string text =
      encode("{\"alg\":\"HS256\"}") + "." +
      encode("{\"sub\":\"" + user + "\",\"aud\":\"powersync\",\"iat\":" + std::to_string(now) +
             ",\"exp\":" + std::to_string(now + 3600) + "}");
  std::string key = *brigade::sidecar::decode_base64url(options.secret);
  unsigned char digest[32];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return text + "." + encode({reinterpret_cast<char*>(digest), size});
}

/// One raw HTTP client; looks for marks in what it receives and never keeps more than a tail.
class Client {
 public:
  std::function<void(std::string_view chunk)> on_text;
  std::string first_line;  ///< the checkpoint, to reconnect with
  size_t completes = 0;
  uint64_t bytes = 0;

  void open(uv_loop_t* loop, std::string request) {
    request_ = std::move(request);
    uv_tcp_init(loop, &socket_);
    socket_.data = this;
    connect_.data = this;
    sockaddr_in address;
    uv_ip4_addr("127.0.0.1", options.port, &address);
    uv_tcp_connect(&connect_, &socket_, reinterpret_cast<sockaddr*>(&address),
                   [](uv_connect_t* connect, int status) {
                     static_cast<Client*>(connect->data)->on_connected(status);
                   });
  }
  void close() { uv_close(reinterpret_cast<uv_handle_t*>(&socket_), nullptr); }

 private:
  void on_connected(int status) {
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

  void on_bytes(std::string_view chunk) {
    bytes += chunk.size();
    if (on_text) on_text(chunk);
    if (first_line.empty()) {
      keep_first_line(chunk);
    } else {
      count_completes(chunk);
    }
  }

  void keep_first_line(std::string_view chunk) {
    tail_ += chunk;
    size_t start = tail_.find("{\"checkpoint\":");
    size_t end = tail_.find('\n', start);
    if (start == std::string::npos || end == std::string::npos) return;
    first_line = tail_.substr(start, end - start);
    count_completes(std::exchange(tail_, {}));
  }

  /// A mark may lie across two chunks: a few bytes of the last are kept.
  void count_completes(std::string_view chunk) {
    static constexpr std::string_view mark = "{\"checkpoint_complete\"";
    std::string seam = tail_ + std::string(chunk.substr(0, mark.size() - 1));
    completes += seam.find(mark) != std::string::npos ? 1 : 0;
    for (size_t at = 0; (at = chunk.find(mark, at)) != std::string_view::npos; at += mark.size()) {
      completes++;
    }
    tail_ = chunk.substr(chunk.size() < mark.size() ? 0 : chunk.size() - mark.size() + 1);
  }

  uv_tcp_t socket_;
  uv_connect_t connect_;
  std::string request_;
  std::string tail_;
};

std::string stream_request(const std::string& user, const std::string& buckets) {
  std::string body = "{\"raw_data\":true,\"client_id\":\"bench\",\"buckets\":[" + buckets + "]}";
  return "POST /sync/stream HTTP/1.1\r\nhost: bench\r\nauthorization: Token " + make_token(user) +
         "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

/// `{"name":…,"after":…},…` of all buckets of a checkpoint line.
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

class Fleet {
 public:
  explicit Fleet(uv_loop_t* loop) : loop_(loop) {}
  void open(size_t count, const std::string& buckets = "") {
    std::string request = stream_request(options.user, buckets);
    for (size_t i = 0; i < count; i++) {
      clients.push_back(std::make_unique<Client>());
      clients.back()->open(loop_, request);
      // A listening socket's queue is bounded: let the loop turn.
      if (i % 512 == 511) uv_run(loop_, UV_RUN_NOWAIT);
    }
  }
  void wait_for_completes(size_t each) {
    auto done = [each](const auto& client) { return client->completes >= each; };
    while (!std::all_of(clients.begin(), clients.end(), done)) uv_run(loop_, UV_RUN_ONCE);
  }
  void close() {
    for (auto& client : clients) client->close();
    uv_run(loop_, UV_RUN_NOWAIT);
  }
  std::vector<std::unique_ptr<Client>> clients;

 private:
  uv_loop_t* loop_;
};

/// Connections that come at a rate, say nothing and are reset.
class Storm {
 public:
  void start(uv_loop_t* loop, double rate) {
    rate_ = rate;
    started_ms_ = now_ms();
    uv_timer_init(loop, &timer_);
    timer_.data = this;
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { static_cast<Storm*>(timer->data)->tick(); }, 1, 1);
  }
  size_t connected() const { return connected_; }

 private:
  struct Visit {
    uv_tcp_t socket;
    uv_connect_t connect;
    Storm* storm;
  };

  void tick() {
    auto due = static_cast<size_t>((now_ms() - started_ms_) / 1000 * rate_);
    for (; opened_ < due; opened_++) open();
  }

  void open() {
    auto* visit = new Visit{{}, {}, this};
    uv_tcp_init(timer_.loop, &visit->socket);
    visit->socket.data = visit->connect.data = visit;
    sockaddr_in address;
    uv_ip4_addr("127.0.0.1", options.port, &address);
    auto on_connected = [](uv_connect_t* connect, int status) {
      auto* done = static_cast<Visit*>(connect->data);
      done->storm->connected_ += status == 0 ? 1 : 0;
      uv_tcp_close_reset(&done->socket,
                         [](uv_handle_t* handle) { delete static_cast<Visit*>(handle->data); });
    };
    uv_tcp_connect(&visit->connect, &visit->socket, reinterpret_cast<sockaddr*>(&address),
                   on_connected);
  }

  uv_timer_t timer_;
  double rate_ = 0;
  double started_ms_ = 0;
  size_t opened_ = 0;
  size_t connected_ = 0;
};
Storm storm;

long resident_kib() {
  std::ifstream status("/proc/" + std::to_string(options.sidecar_pid) + "/status");
  for (std::string word; status >> word;) {
    if (word != "VmRSS:") continue;
    long kib = 0;
    status >> kib;
    return kib;
  }
  return 0;
}

/// Field `number` of /proc/PID/stat, where the name of the process, field 2, may hold blanks.
double stat_field(const std::string& pid, int number) {
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  std::istringstream words(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string word = "0";
  for (int field = 3; field <= number; field++) words >> word;
  return std::strtod(word.c_str(), nullptr);
}

double cpu_s(const std::string& pid) {
  double ticks = stat_field(pid, 14) + stat_field(pid, 15);
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double sidecar_cpu_s() { return cpu_s(std::to_string(options.sidecar_pid)); }

/// Of all processes of the server, those that have ended included.
double postgres_cpu_s() {
  std::string postmaster = std::to_string(options.postmaster_pid);
  double ended = stat_field(postmaster, 16) + stat_field(postmaster, 17);
  double sum = cpu_s(postmaster) + ended / static_cast<double>(sysconf(_SC_CLK_TCK));
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::string pid = entry.path().filename();
    bool is_process = std::all_of(pid.begin(), pid.end(), [](char c) { return std::isdigit(c); });
    if (is_process && static_cast<long>(stat_field(pid, 4)) == options.postmaster_pid) {
      sum += cpu_s(pid);
    }
  }
  return sum;
}

void run_idle(uv_loop_t* loop, size_t count) {
  long before = resident_kib();
  double start = now_ms();
  Fleet fleet(loop);
  fleet.open(count);
  fleet.wait_for_completes(1);
  long after = resident_kib();
  std::printf("idle: %zu clients, all complete after %.0f ms, resident %ld MiB, %.1f KiB each\n",
              count, now_ms() - start, after / 1024,
              static_cast<double>(after - before) / static_cast<double>(count));
  fleet.close();
}

void run_reconnect(uv_loop_t* loop, size_t count) {
  Fleet first(loop);
  first.open(1);
  first.wait_for_completes(1);
  std::string positions = positions_of(first.clients[0]->first_line);
  first.close();
  double cpu = sidecar_cpu_s();
  double start = now_ms();
  Fleet fleet(loop);
  fleet.open(count, positions);
  fleet.wait_for_completes(1);
  std::printf("reconnect: %zu clients complete in %.0f ms, sidecar CPU %.2f s\n", count,
              now_ms() - start, sidecar_cpu_s() - cpu);
  fleet.close();
}

void run_download(uv_loop_t* loop) {
  size_t operations = 0;
  Fleet fleet(loop);
  double cpu = sidecar_cpu_s();
  double postgres_cpu = postgres_cpu_s();
  double start = now_ms();
  fleet.open(1);
  Client& client = *fleet.clients[0];
  client.on_text = [&](std::string_view text) {
    for (size_t at = 0; (at = text.find("{\"op_id\"", at)) != std::string_view::npos; at += 8)
      operations++;
  };
  fleet.wait_for_completes(1);
  double seconds = (now_ms() - start) / 1000;
  double millions = static_cast<double>(operations) / 1e6;
  std::printf(
      "download: %zu operations, %.1f MB in %.2f s: %.0f operations/s, "
      "CPU per million: sidecar %.2f s, Postgres %.2f s\n",
      operations, static_cast<double>(client.bytes) / 1e6, seconds,
      static_cast<double>(operations) / seconds, (sidecar_cpu_s() - cpu) / millions,
      (postgres_cpu_s() - postgres_cpu) / millions);
  fleet.close();
}

void run_first(uv_loop_t* loop) {
  Fleet fleet(loop);
  double start = now_ms();
  fleet.open(1);
  while (fleet.clients[0]->first_line.empty()) uv_run(loop, UV_RUN_ONCE);
  double line = now_ms() - start;
  fleet.wait_for_completes(1);
  std::printf("first: user %s, checkpoint line after %.1f ms, complete after %.1f ms\n",
              options.user.c_str(), line, now_ms() - start);
  fleet.close();
}

void run_latency(uv_loop_t* loop, size_t count, double rate, double seconds) {
  PGconn* connection = PQconnectdb(options.database.c_str());
  Fleet fleet(loop);
  fleet.open(count);
  fleet.wait_for_completes(1);
  std::map<long, double> sent_at;
  std::vector<double> latencies;
  for (auto& client : fleet.clients) {
    client->on_text = [&](std::string_view text) {
      size_t at = text.find("bench-");
      if (at == std::string_view::npos) return;
      auto sent = sent_at.find(std::atol(std::string(text.substr(at + 6, 12)).c_str()));
      if (sent != sent_at.end()) latencies.push_back(now_ms() - sent->second);
    };
  }
  double cpu = sidecar_cpu_s();
  size_t stormed = storm.connected();
  auto commits = static_cast<long>(rate * seconds);
  double start = now_ms();
  long base = static_cast<long>(start) * 1000;
  for (long i = 0; i < commits; i++) {
    while (now_ms() < start + static_cast<double>(i) * 1000 / rate) uv_run(loop, UV_RUN_NOWAIT);
    char sql[4096];
    std::snprintf(sql, sizeof sql, options.commit.c_str(),
                  static_cast<int>((base + i) % 1'000'000'000));
    sent_at[(base + i) % 1'000'000'000] = now_ms();
    PQsendQuery(connection, sql);
    while (PQconsumeInput(connection) != 0 && PQisBusy(connection) != 0)
      uv_run(loop, UV_RUN_NOWAIT);
    while (PGresult* result = PQgetResult(connection)) {
      if (PQresultStatus(result) != PGRES_COMMAND_OK)
        std::fprintf(stderr, "%s", PQresultErrorMessage(result));
      PQclear(result);
    }
  }
  double end = now_ms() + 1000;
  while (now_ms() < end) uv_run(loop, UV_RUN_NOWAIT);
  std::sort(latencies.begin(), latencies.end());
  auto percentile = [&](double p) {
    return latencies.empty()
               ? 0
               : latencies[static_cast<size_t>(p * static_cast<double>(latencies.size() - 1))];
  };
  std::printf(
      "latency: %zu clients, %.0f commits/s: p50 %.1f ms, p99 %.1f ms, max %.1f ms, "
      "received %zu of %zu, sidecar CPU %.0f %%\n",
      count, rate, percentile(0.5), percentile(0.99), percentile(1), latencies.size(),
      count * static_cast<size_t>(commits), (sidecar_cpu_s() - cpu) / seconds * 100);
  if (storm.connected() > 0) {
    std::printf("  amid %.0f other connections/s\n",
                static_cast<double>(storm.connected() - stormed) / ((now_ms() - start) / 1000));
  }
  fleet.close();
  PQfinish(connection);
}

}  // namespace

int main(int count, char** words) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  uv_loop_t* loop = uv_default_loop();
  for (int i = 1; i < count; i++) {
    std::string word = words[i];
    auto next = [&] { return std::string(i + 1 < count ? words[++i] : "0"); };
    if (word == "--port")
      options.port = std::stoi(next());
    else if (word == "--pid")
      options.sidecar_pid = std::stol(next());
    else if (word == "--postmaster")
      options.postmaster_pid = std::stol(next());
    else if (word == "--user")
      options.user = next();
    else if (word == "--secret")
      options.secret = next();
    else if (word == "--database")
      options.database = next();
    else if (word == "--commit")
      options.commit = next();
    else if (word == "idle")
      run_idle(loop, std::stoul(next()));
    else if (word == "storm")
      storm.start(loop, std::stod(next()));
    else if (word == "reconnect")
      run_reconnect(loop, std::stoul(next()));
    else if (word == "download")
      run_download(loop);
    else if (word == "first")
      run_first(loop);
    else if (word == "latency") {
      size_t clients = std::stoul(next());
      double rate = std::stod(next());
      run_latency(loop, clients, rate, std::stod(next()));
    } else {
      std::fprintf(stderr, "unknown word %s; see the head of sidecar_load.cpp\n", word.c_str());
      return 2;
    }
    std::fflush(stdout);
  }
  return 0;
}
