#include "session/stream_log.h"

#include <string_view>

#include "metrics/log.h"

namespace brigade::sidecar {

namespace {

LogEvent event_of(std::string_view what, const LiveSession& session) {
  const LiveSession::Labels& labels = session.labels();
  LogEvent event(what);
  event.with("request", labels.request_id)
      .with("user", session.session().user_id())
      .with("client", session.session().client_id())
      .with("transport", labels.transport)
      .with("sdk", labels.user_agent);
  if (!labels.coding.empty()) event.with("coding", labels.coding);
  if (!labels.app_metadata.empty()) event.with("app_metadata", labels.app_metadata);
  return event;
}

void add_step(LogEvent& event, std::string_view name, const std::optional<int64_t>& step) {
  if (step) event.with(name, *step);
}

}  // namespace

void log_stream_start(const LiveSession& session) { event_of("stream started", session).write(); }

void log_stream_end(const LiveSession& session, CloseReason reason, int64_t now_ms) {
  const Session& core = session.session();
  const LiveSession::FirstCheckpoint& first = session.first_checkpoint();
  LogEvent event = event_of("stream ended", session);
  event.with("reason", close_reason_name(reason))
      .with("buckets", static_cast<int64_t>(core.bucket_count()))
      .with("checkpoints", static_cast<int64_t>(core.counters().checkpoints_completed))
      .with("operations", static_cast<int64_t>(core.counters().operations))
      .with("bytes", static_cast<int64_t>(session.sink().bytes_synced()))
      .with("bytes_sent", static_cast<int64_t>(session.sink().bytes_sent()))
      .with("duration_ms", now_ms - session.started_at_ms());
  add_step(event, "resolved_ms", first.resolved_ms);
  add_step(event, "announced_ms", first.announced_ms);
  add_step(event, "completed_ms", first.completed_ms);
  event.write();
}

}  // namespace brigade::sidecar
