#pragma once

#include <cstdint>

#include "session/live_session.h"

namespace brigade::sidecar {

/// One line in the log when a stream starts, and one when it is over: who, how, how much, how fast.
void log_stream_start(const LiveSession& session);
void log_stream_end(const LiveSession& session, CloseReason reason, int64_t now_ms);

}  // namespace brigade::sidecar
