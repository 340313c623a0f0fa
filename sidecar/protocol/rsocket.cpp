#include "protocol/rsocket.h"

namespace brigade::sidecar {

namespace {

constexpr uint16_t flag_metadata = 0x100;
constexpr uint16_t flag_follows = 0x80;  // of requests and payloads
constexpr uint16_t flag_respond = 0x80;  // of KEEPALIVE
constexpr uint16_t flag_resume = 0x80;   // of SETUP
constexpr uint16_t flag_complete = 0x40;
constexpr uint16_t flag_next = 0x20;

/// Takes big-endian numbers and texts off the front; remembers if there was too little.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}

  uint64_t number(size_t size) {
    uint64_t value = 0;
    for (char c : text(size)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view text(size_t size) {
    if (size > rest_.size()) {
      valid_ = false;
      return {};
    }
    std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view rest() const { return rest_; }
  bool valid() const { return valid_; }

 private:
  std::string_view rest_;
  bool valid_ = true;
};

void append_number(std::string& out, uint64_t value, size_t size) {
  for (size_t i = size; i-- > 0;) out += static_cast<char>(value >> (8 * i));
}

std::string frame_head(uint32_t stream_id, RSocketFrame::Type type, uint16_t flags) {
  std::string head;
  append_number(head, stream_id, 4);
  append_number(head, static_cast<uint64_t>(type) << 10 | flags, 2);
  return head;
}

void skip_setup_head(Cursor& cursor, uint16_t flags, RSocketFrame& frame) {
  cursor.text(4);  // version
  cursor.text(4);  // keepalive interval
  frame.lifetime_ms = static_cast<uint32_t>(cursor.number(4));
  if ((flags & flag_resume) != 0) cursor.text(cursor.number(2));
  cursor.text(cursor.number(1));  // MIME type of metadata
  cursor.text(cursor.number(1));  // MIME type of data
}

void read_payload(Cursor& cursor, uint16_t flags, RSocketFrame& frame) {
  if ((flags & flag_metadata) != 0) frame.metadata = cursor.text(cursor.number(3));
  frame.data = cursor.rest();
}

}  // namespace

std::optional<RSocketFrame> parse_rsocket_frame(std::string_view bytes) {
  using Type = RSocketFrame::Type;
  Cursor cursor(bytes);
  RSocketFrame frame;
  frame.stream_id = static_cast<uint32_t>(cursor.number(4));
  auto type_and_flags = static_cast<uint16_t>(cursor.number(2));
  auto flags = static_cast<uint16_t>(type_and_flags & 0x3ff);
  frame.type = static_cast<Type>(type_and_flags >> 10);
  switch (frame.type) {
    case Type::setup:
      skip_setup_head(cursor, flags, frame);
      read_payload(cursor, flags, frame);
      break;
    case Type::keepalive:
      frame.respond = (flags & flag_respond) != 0;
      frame.last_position = cursor.number(8);
      frame.data = cursor.rest();
      break;
    case Type::request_stream:
      frame.follows = (flags & flag_follows) != 0;
      frame.request_n = static_cast<uint32_t>(cursor.number(4));
      read_payload(cursor, flags, frame);
      break;
    case Type::request_n:
      frame.request_n = static_cast<uint32_t>(cursor.number(4));
      break;
    default:
      break;
  }
  bool valid = cursor.valid() && (frame.stream_id >> 31) == 0 && (frame.request_n >> 31) == 0;
  if (!valid) return {};
  return frame;
}

std::string rsocket_payload_head(uint32_t stream_id) {
  return frame_head(stream_id, RSocketFrame::Type::payload, flag_next);
}

std::string rsocket_complete(uint32_t stream_id) {
  return frame_head(stream_id, RSocketFrame::Type::payload, flag_complete);
}

std::string rsocket_error(uint32_t stream_id, uint32_t code, std::string_view message) {
  std::string frame = frame_head(stream_id, RSocketFrame::Type::error, 0);
  append_number(frame, code, 4);
  frame += message;
  return frame;
}

std::string rsocket_keepalive_answer(const RSocketFrame& keepalive) {
  std::string frame = frame_head(0, RSocketFrame::Type::keepalive, 0);
  append_number(frame, keepalive.last_position, 8);
  frame += keepalive.data;
  return frame;
}

}  // namespace brigade::sidecar
