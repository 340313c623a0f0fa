#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/line.h"

namespace brigade::sidecar {

/// Changes bytes on their way between a socket and its handler: TLS.
class ByteFilter {
 public:
  virtual ~ByteFilter() = default;
  /// Takes bytes from the peer and appends what the handler shall see, and what must be sent to the
  /// peer in answer. False: the peer broke the protocol.
  virtual bool receive(std::string_view from_peer, std::string& to_handler,
                       std::string& to_peer) = 0;
  /// Appends to `to_peer` what carries `bytes`.
  virtual bool send(std::string_view bytes, std::string& to_peer) = 0;
  /// Appends the farewell, if the protocol has one.
  virtual void finish(std::string& to_peer) = 0;
};

/// A client's TCP connection on the event loop. Output is queued as shared bytes and written with
/// writev; what the kernel does not take at once stays queued.
///
/// It deletes itself once libuv has closed the socket, after `on_closed`.
class Connection {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_data(std::string_view bytes) = 0;
    /// The queue is empty again after the kernel had refused some of it.
    virtual void on_drained() = 0;
    /// The last call.
    virtual void on_closed() = 0;
    /// True while nothing is going on that closing would cut off.
    virtual bool idle() const = 0;
    /// Called about every second; for deadlines.
    virtual void on_tick(int64_t now_ms) = 0;
  };

  /// Accepts from `server`; null on failure.
  static Connection* accept(uv_stream_t* server, std::unique_ptr<ByteFilter> filter);

  void start(std::unique_ptr<Handler> handler);
  /// Queues; `flush` writes.
  void send(SharedBytes bytes);
  void send(std::string bytes);
  void flush();
  /// Flushes, says that no more comes, and closes when the peer does, or soon; later output and
  /// input are ignored. Closing at once would reset the connection if input is left unread, and the
  /// peer would lose what was just sent.
  void finish();
  /// Closes without sending what is queued.
  void close();

  /// Closes if nothing is going on and nothing is queued.
  void close_when_idle();

  void pause_reading();
  void resume_reading();

  /// Bytes that are queued and not written.
  size_t queued_bytes() const { return queued_bytes_; }
  uint64_t bytes_written() const { return bytes_written_; }
  /// When the kernel last took something, or had nothing to take; loop time.
  int64_t progress_at_ms() const { return progress_at_ms_; }
  bool closing() const { return closing_; }
  int64_t now_ms() const;
  Handler* handler() { return handler_.get(); }
  void tick(int64_t now_ms);

  /// Links of the server's list of connections.
  std::function<void(Connection&)> on_deleted;
  size_t index_in_server = 0;

 private:
  Connection() = default;
  ~Connection() = default;

  void on_read(ssize_t size, const uv_buf_t* buffer);
  void deliver(std::string_view bytes);
  void encrypt_queue();
  size_t gather(uv_buf_t* buffers, size_t buffer_count_max) const;
  bool write_now();
  void write_later();
  void on_written(int status);
  void consume(size_t bytes);
  void linger();

  uv_tcp_t socket_;
  uv_write_t write_;
  uv_shutdown_t shutdown_;
  std::unique_ptr<Handler> handler_;
  std::unique_ptr<ByteFilter> filter_;
  std::vector<SharedBytes> queue_;
  size_t first_offset_ = 0;  ///< bytes of `queue_.front()` that were written
  size_t clear_count_ = 0;   ///< with a filter: entries at the end of `queue_` not yet encrypted
  size_t queued_bytes_ = 0;
  size_t write_bytes_ = 0;  ///< of the uv_write_t under way
  uint64_t bytes_written_ = 0;
  int64_t progress_at_ms_ = 0;
  bool writing_ = false;  ///< a uv_write_t is under way
  int64_t lingering_since_ms_ = 0;
  bool finishing_ = false;  ///< close when the queue is empty
  bool lingering_ = false;  ///< all was sent; waits for the peer to close
  bool closing_ = false;
};

}  // namespace brigade::sidecar
