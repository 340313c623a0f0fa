#include "net/websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "auth/base64.h"

namespace brigade::sidecar {

namespace {

WebSocket& self(void* user_data) { return *static_cast<WebSocket*>(user_data); }

/// RFC 6455 §5.2: an unmasked, unfragmented binary frame.
std::string frame_head(size_t size) {
  std::string head = "\x82";
  int length_bytes = size < 126 ? 0 : size < 65'536 ? 2 : 8;
  head += static_cast<char>(length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127);
  for (int i = length_bytes - 1; i >= 0; i--) head += static_cast<char>(size >> (8 * i));
  return head;
}

}  // namespace

const wslay_event_callbacks& WebSocket::callbacks() {
  static const wslay_event_callbacks callbacks = [] {
    wslay_event_callbacks table{};
    table.recv_callback = [](wslay_event_context_ptr context, uint8_t* buffer, size_t size, int,
                             void* user_data) {
      ssize_t taken = self(user_data).take_input(buffer, size);
      if (taken < 0) wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return taken;
    };
    table.send_callback = [](wslay_event_context_ptr, const uint8_t* bytes, size_t size, int,
                             void* user_data) {
      self(user_data).connection_.send(std::string(reinterpret_cast<const char*>(bytes), size));
      return static_cast<ssize_t>(size);
    };
    table.on_msg_recv_callback = [](wslay_event_context_ptr,
                                    const wslay_event_on_msg_recv_arg* message, void* user_data) {
      if (wslay_is_ctrl_frame(message->opcode)) return;
      self(user_data).on_message_(
          {reinterpret_cast<const char*>(message->msg), message->msg_length});
    };
    return table;
  }();
  return callbacks;
}

WebSocket::WebSocket(Connection& connection, size_t message_bytes_max,
                     std::function<void(std::string_view)> on_message)
    : connection_(connection), on_message_(std::move(on_message)) {
  wslay_event_context_server_init(&context_, &callbacks(), this);
  wslay_event_config_set_max_recv_msg_length(context_, message_bytes_max);
}

WebSocket::~WebSocket() { wslay_event_context_free(context_); }

ssize_t WebSocket::take_input(uint8_t* buffer, size_t size) {
  if (input_.empty()) return -1;
  size_t taken = std::min(size, input_.size());
  std::memcpy(buffer, input_.data(), taken);
  input_.remove_prefix(taken);
  return static_cast<ssize_t>(taken);
}

bool WebSocket::receive(std::string_view bytes) {
  input_ = bytes;
  int status = 0;
  while (status == 0 && !input_.empty() && wslay_event_get_read_enabled(context_) != 0) {
    status = wslay_event_recv(context_);
  }
  input_ = {};
  wslay_event_send(context_);
  connection_.flush();
  return status == 0 && wslay_event_get_close_received(context_) == 0 &&
         wslay_event_get_read_enabled(context_) != 0;
}

void WebSocket::send(std::string head, const SharedBytes& body) {
  size_t body_size = body ? body->size() : 0;
  connection_.send(frame_head(head.size() + body_size) + head);
  if (body) connection_.send(body);
}

void WebSocket::close() {
  wslay_event_queue_close(context_, WSLAY_CODE_NORMAL_CLOSURE, nullptr, 0);
  wslay_event_send(context_);
  connection_.finish();
}

std::string WebSocket::accept_key(std::string_view key) {
  std::optional<std::string> nonce = decode_base64(key);
  if (!nonce || nonce->size() != 16) return "";
  std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 32> encoded;
  int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
  return {reinterpret_cast<char*>(encoded.data()), static_cast<size_t>(length)};
}

}  // namespace brigade::sidecar
