#include "scenarios.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client.h"
#include "processes.h"

namespace brigade::bench {

namespace {

/// When each commit was sent, and how long after that clients had it.
class Latencies {
 public:
  void on_sent(long number) { sent_at_[number] = now_ms(); }

  void on_text(std::string_view text) {
    size_t at = text.find("bench-");
    if (at == std::string_view::npos) return;
    auto sent = sent_at_.find(std::atol(std::string(text.substr(at + 6, 12)).c_str()));
    if (sent != sent_at_.end()) latencies_.push_back(now_ms() - sent->second);
  }

  void sort() { std::sort(latencies_.begin(), latencies_.end()); }
  size_t size() const { return latencies_.size(); }
  /// REQUIRES: sorted.
  double quantile(double share) const {
    if (latencies_.empty()) return 0;
    return latencies_[static_cast<size_t>(share * static_cast<double>(latencies_.size() - 1))];
  }

 private:
  std::map<long, double> sent_at_;
  std::vector<double> latencies_;
};

/// Runs one statement while the loop turns.
void run_statement(uv_loop_t* loop, PGconn* connection, const char* sql) {
  PQsendQuery(connection, sql);
  while (PQconsumeInput(connection) != 0 && PQisBusy(connection) != 0) uv_run(loop, UV_RUN_NOWAIT);
  while (PGresult* result = PQgetResult(connection)) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
      std::fprintf(stderr, "%s", PQresultErrorMessage(result));
    PQclear(result);
  }
}

void turn_until(uv_loop_t* loop, double time_ms) {
  while (now_ms() < time_ms) uv_run(loop, UV_RUN_NOWAIT);
}

}  // namespace

void Scenarios::idle(size_t count) {
  long before = resident_kib(options_.sidecar_pid);
  double start = now_ms();
  Fleet fleet(loop_, options_);
  fleet.open(count);
  fleet.wait_for_completes(1);
  long after = resident_kib(options_.sidecar_pid);
  std::printf("idle: %zu clients, all complete after %.0f ms, resident %ld MiB, %.1f KiB each\n",
              count, now_ms() - start, after / 1024,
              static_cast<double>(after - before) / static_cast<double>(count));
  fleet.close();
}

void Scenarios::reconnect(size_t count) {
  Fleet before(loop_, options_);
  before.open(1);
  before.wait_for_completes(1);
  std::string positions = positions_of(before.clients[0]->first_line);
  before.close();
  double cpu = cpu_s(options_.sidecar_pid);
  double start = now_ms();
  Fleet fleet(loop_, options_);
  fleet.open(count, positions);
  fleet.wait_for_completes(1);
  std::printf("reconnect: %zu clients complete in %.0f ms, sidecar CPU %.2f s\n", count,
              now_ms() - start, cpu_s(options_.sidecar_pid) - cpu);
  fleet.close();
}

void Scenarios::download() {
  size_t operations = 0;
  Fleet fleet(loop_, options_);
  double cpu = cpu_s(options_.sidecar_pid);
  double postgres_cpu = family_cpu_s(options_.postmaster_pid);
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
      static_cast<double>(operations) / seconds, (cpu_s(options_.sidecar_pid) - cpu) / millions,
      (family_cpu_s(options_.postmaster_pid) - postgres_cpu) / millions);
  fleet.close();
}

void Scenarios::first() {
  Fleet fleet(loop_, options_);
  double start = now_ms();
  fleet.open(1);
  while (fleet.clients[0]->first_line.empty()) uv_run(loop_, UV_RUN_ONCE);
  double line = now_ms() - start;
  fleet.wait_for_completes(1);
  std::printf("first: user %s, checkpoint line after %.1f ms, complete after %.1f ms\n",
              options_.user.c_str(), line, now_ms() - start);
  fleet.close();
}

void Scenarios::latency(size_t count, double rate, double seconds) {
  PGconn* connection = PQconnectdb(options_.database.c_str());
  Fleet fleet(loop_, options_);
  fleet.open(count);
  fleet.wait_for_completes(1);
  Latencies latencies;
  for (auto& client : fleet.clients) {
    client->on_text = [&](std::string_view text) { latencies.on_text(text); };
  }
  double cpu = cpu_s(options_.sidecar_pid);
  size_t stormed = storm_.connected();
  auto commits = static_cast<long>(rate * seconds);
  double start = now_ms();
  long base = static_cast<long>(start) * 1000;
  for (long i = 0; i < commits; i++) {
    turn_until(loop_, start + static_cast<double>(i) * 1000 / rate);
    long number = (base + i) % 1'000'000'000;
    char sql[4096];
    std::snprintf(sql, sizeof sql, options_.commit.c_str(), static_cast<int>(number));
    latencies.on_sent(number);
    run_statement(loop_, connection, sql);
  }
  turn_until(loop_, now_ms() + 1000);
  latencies.sort();
  std::printf(
      "latency: %zu clients, %.0f commits/s: p50 %.1f ms, p99 %.1f ms, max %.1f ms, "
      "received %zu of %zu, sidecar CPU %.0f %%\n",
      count, rate, latencies.quantile(0.5), latencies.quantile(0.99), latencies.quantile(1),
      latencies.size(), count * static_cast<size_t>(commits),
      (cpu_s(options_.sidecar_pid) - cpu) / seconds * 100);
  if (storm_.connected() > 0) {
    std::printf("  amid %.0f other connections/s\n",
                static_cast<double>(storm_.connected() - stormed) / ((now_ms() - start) / 1000));
  }
  fleet.close();
  PQfinish(connection);
}

}  // namespace brigade::bench
