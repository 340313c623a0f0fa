#pragma once

#include "protocol/error.h"
#include "protocol/line.h"

namespace brigade::sidecar {

/// Where the lines of a session go: a chunked HTTP response, or a stream in a WebSocket.
class LineSink {
 public:
  virtual ~LineSink() = default;
  /// Queues a line; `flush` sends what was queued.
  virtual void write(const SharedBytes& line) = 0;
  virtual void flush() = 0;
  /// Bytes that were written and not flushed.
  virtual size_t unflushed_bytes() const = 0;
  /// False while more than a bounded amount waits for the client.
  virtual bool writable() const = 0;
  /// Answers with an error; after the first line it can only end the stream.
  virtual void refuse(const ProtocolError& error) = 0;
  /// Ends the stream after what was written.
  virtual void finish() = 0;
  /// Bytes of lines, before compression.
  virtual uint64_t bytes_synced() const = 0;
  /// Bytes given to the connection.
  virtual uint64_t bytes_sent() const = 0;
};

}  // namespace brigade::sidecar
