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
#include <sys/resource.h>

#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "options.h"
#include "scenarios.h"

using namespace brigade::bench;

namespace {

void raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int count, char** words) {
  raise_file_limit();
  Options options;
  Scenarios scenarios(uv_default_loop(), options);
  int at = 0;
  auto next = [&] { return std::string(at + 1 < count ? words[++at] : "0"); };
  auto next_number = [&] { return std::stoul(next()); };
  const std::map<std::string, std::function<void()>> actions = {
      {"--port", [&] { options.port = std::stoi(next()); }},
      {"--pid", [&] { options.sidecar_pid = std::stol(next()); }},
      {"--postmaster", [&] { options.postmaster_pid = std::stol(next()); }},
      {"--user", [&] { options.user = next(); }},
      {"--secret", [&] { options.secret = next(); }},
      {"--database", [&] { options.database = next(); }},
      {"--commit", [&] { options.commit = next(); }},
      {"idle", [&] { scenarios.idle(next_number()); }},
      {"storm", [&] { scenarios.start_storm(std::stod(next())); }},
      {"reconnect", [&] { scenarios.reconnect(next_number()); }},
      {"download", [&] { scenarios.download(); }},
      {"first", [&] { scenarios.first(); }},
      {"latency",
       [&] {
         size_t clients = next_number();
         double rate = std::stod(next());
         scenarios.latency(clients, rate, std::stod(next()));
       }},
  };
  while (++at < count) {
    auto action = actions.find(words[at]);
    if (action == actions.end()) {
      std::fprintf(stderr, "unknown word %s; see the head of main.cpp\n", words[at]);
      return 2;
    }
    action->second();
    std::fflush(stdout);
  }
  return 0;
}
