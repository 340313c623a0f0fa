#pragma once

#include <wslay/wslay.h>

#include <functional>
#include <string>
#include <string_view>

#include "net/connection.h"

namespace brigade::sidecar {

/// The server's side of one WebSocket (RFC 6455). wslay reads the client's frames and answers
/// pings and closes; our own messages are written straight to the connection, so that shared bytes
/// stay shared.
class WebSocket {
 public:
  /// `on_message` gets whole binary or text messages of up to `message_bytes_max`.
  WebSocket(Connection& connection, size_t message_bytes_max,
            std::function<void(std::string_view)> on_message);
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;
  ~WebSocket();

  /// False: the client broke the protocol, or said goodbye.
  bool receive(std::string_view bytes);
  /// A binary message of `head` followed by `body`; `body` may be null. The caller flushes.
  void send(std::string head, const SharedBytes& body);
  /// Says goodbye and closes the connection.
  void close();

  /// The value of Sec-WebSocket-Accept for a Sec-WebSocket-Key; empty if the key is none.
  static std::string accept_key(std::string_view key);

 private:
  static const wslay_event_callbacks& callbacks();
  ssize_t take_input(uint8_t* buffer, size_t size);

  Connection& connection_;
  std::function<void(std::string_view)> on_message_;
  wslay_event_context_ptr context_ = nullptr;
  std::string_view input_;
};

}  // namespace brigade::sidecar
