#pragma once

#include <functional>
#include <string>

#include "http/router.h"

namespace brigade::sidecar {

/// Health for container platforms.
class Probes {
 public:
  struct State {
    bool started = false;       ///< the database was reached once
    bool ready = false;         ///< streams are served, with news
    int64_t touched_at_ms = 0;  ///< when the event loop last turned; milliseconds since 1970
  };

  explicit Probes(std::function<State()> state) : state_(std::move(state)) {}

  /// Startup, liveness and readiness: 200 if the state asked for holds, else 400.
  void add_to(Router& router) const;

 private:
  std::function<State()> state_;
};

/// `2026-01-02T03:04:05.678Z`
std::string iso_time(int64_t ms_since_1970);

}  // namespace brigade::sidecar
