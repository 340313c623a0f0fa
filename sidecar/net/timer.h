#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>

namespace brigade::sidecar {

/// A one-shot timer. Its handle outlives it until libuv has closed it, as libuv demands.
class Timer {
 public:
  Timer(uv_loop_t* loop, std::function<void()> on_fire);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  /// Fires once, `delay_ms` from now; replaces an earlier start. It may be restarted from within.
  void start(int64_t delay_ms);
  void stop();
  bool active() const;

 private:
  struct Handle {
    uv_timer_t timer;
    std::function<void()> on_fire;
  };

  Handle* handle_;
};

}  // namespace brigade::sidecar
