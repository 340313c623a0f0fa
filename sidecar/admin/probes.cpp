#include "admin/probes.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace brigade::sidecar {

namespace {

HttpResponse answer(const Probes::State& state, bool healthy) {
  auto word = [](bool value) { return value ? "true" : "false"; };
  return HttpResponse::json(healthy ? 200 : 400, std::string("{\"ready\":") + word(state.ready) +
                                                     ",\"started\":" + word(state.started) +
                                                     ",\"touched_at\":\"" +
                                                     iso_time(state.touched_at_ms) + "\"}");
}

}  // namespace

std::string iso_time(int64_t ms_since_1970) {
  time_t seconds = ms_since_1970 / 1000;
  tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text;
  size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ",
                static_cast<int>(ms_since_1970 % 1000));
  return text.data();
}

void Probes::add_to(Router& router) const {
  router.add("GET", "/probes/startup", [this](const std::shared_ptr<Exchange>& exchange) {
    State state = state_();
    exchange->respond(answer(state, state.started));
  });
  // That the event loop answers is the proof of life.
  router.add("GET", "/probes/liveness", [this](const std::shared_ptr<Exchange>& exchange) {
    exchange->respond(answer(state_(), true));
  });
  router.add("GET", "/probes/readiness", [this](const std::shared_ptr<Exchange>& exchange) {
    State state = state_();
    exchange->respond(answer(state, state.ready));
  });
}

}  // namespace brigade::sidecar
