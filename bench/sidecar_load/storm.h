#pragma once

#include <uv.h>

#include <cstddef>

namespace brigade::bench {

/// Connections that come at a rate, say nothing and are reset.
class Storm {
 public:
  /// `rate`: connections a second.
  void start(uv_loop_t* loop, int port, double rate);
  size_t connected() const { return connected_; }

 private:
  void tick();
  void open();

  uv_timer_t timer_;
  int port_ = 0;
  double rate_ = 0;
  double started_ms_ = 0;
  size_t opened_ = 0;
  size_t connected_ = 0;
};

}  // namespace brigade::bench
