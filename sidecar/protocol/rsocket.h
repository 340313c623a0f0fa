#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace brigade::sidecar {

/// Frames of RSocket 1.0 (rsocket.io/about/protocol), those that sync clients and we use. In a
/// WebSocket every message is one frame, without a length before it.
struct RSocketFrame {
  enum class Type : uint8_t {
    setup = 0x01,
    keepalive = 0x03,
    request_stream = 0x06,
    request_n = 0x08,
    cancel = 0x09,
    payload = 0x0a,
    error = 0x0b,
  };

  uint32_t stream_id = 0;
  Type type{};
  bool follows = false;        ///< the payload goes on in another frame
  bool respond = false;        ///< KEEPALIVE: an answer is wanted
  uint32_t request_n = 0;      ///< REQUEST_STREAM, REQUEST_N
  uint64_t last_position = 0;  ///< KEEPALIVE
  uint32_t lifetime_ms = 0;    ///< SETUP: silence after which the peer counts as dead
  std::string_view metadata;   ///< in the text that was parsed
  std::string_view data;
};

constexpr uint32_t rsocket_rejected_setup = 0x0003;
constexpr uint32_t rsocket_application_error = 0x0201;
constexpr uint32_t rsocket_rejected = 0x0202;

/// Empty for bytes that are no frame. Frames of other types have only id and type.
std::optional<RSocketFrame> parse_rsocket_frame(std::string_view bytes);

/// The head of a PAYLOAD frame whose data is the rest of the message.
std::string rsocket_payload_head(uint32_t stream_id);
std::string rsocket_complete(uint32_t stream_id);
std::string rsocket_error(uint32_t stream_id, uint32_t code, std::string_view message);
std::string rsocket_keepalive_answer(const RSocketFrame& keepalive);

}  // namespace brigade::sidecar
