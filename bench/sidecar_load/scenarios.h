#pragma once

#include <uv.h>

#include <cstddef>

#include "options.h"
#include "storm.h"

namespace brigade::bench {

/// What can be measured. Each prints its figures as one line.
class Scenarios {
 public:
  Scenarios(uv_loop_t* loop, const Options& options) : loop_(loop), options_(options) {}

  void idle(size_t count);
  void reconnect(size_t count);
  void download();
  void first();
  void start_storm(double rate) { storm_.start(loop_, options_.port, rate); }
  void latency(size_t count, double rate, double seconds);

 private:
  uv_loop_t* loop_;
  const Options& options_;
  Storm storm_;
};

}  // namespace brigade::bench
