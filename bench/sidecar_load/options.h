#pragma once

#include <chrono>
#include <string>

namespace brigade::bench {

/// What is loaded, as the command line says.
struct Options {
  int port = 8080;
  long sidecar_pid = 0;
  long postmaster_pid = 0;
  std::string user = "u1";
  std::string secret;    ///< of the tokens, base64url
  std::string database;  ///< connection string
  std::string commit;    ///< SQL with %d in the place of a number
};

inline double now_ms() {
  using std::chrono::duration;
  return duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace brigade::bench
