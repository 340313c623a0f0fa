#include "net/timer.h"

#include <utility>

namespace brigade::sidecar {

Timer::Timer(uv_loop_t* loop, std::function<void()> on_fire)
    : handle_(new Handle{{}, std::move(on_fire)}) {
  uv_timer_init(loop, &handle_->timer);
  handle_->timer.data = handle_;
}

Timer::~Timer() {
  auto free_handle = [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); };
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->timer), free_handle);
}

void Timer::start(int64_t delay_ms) {
  auto fire = [](uv_timer_t* timer) { static_cast<Handle*>(timer->data)->on_fire(); };
  uv_timer_start(&handle_->timer, fire, static_cast<uint64_t>(delay_ms < 0 ? 0 : delay_ms), 0);
}

void Timer::stop() { uv_timer_stop(&handle_->timer); }

bool Timer::active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&handle_->timer)) != 0;
}

}  // namespace brigade::sidecar
