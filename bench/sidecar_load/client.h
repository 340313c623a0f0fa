#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "options.h"

namespace brigade::bench {

/// One raw HTTP client; looks for marks in what it receives and never keeps more than a tail.
class Client {
 public:
  std::function<void(std::string_view chunk)> on_text;
  std::string first_line;  ///< the checkpoint, to reconnect with
  size_t completes = 0;
  uint64_t bytes = 0;

  void open(uv_loop_t* loop, int port, std::string request);
  void close() { uv_close(reinterpret_cast<uv_handle_t*>(&socket_), nullptr); }

 private:
  void on_connected(int status);
  void on_bytes(std::string_view chunk);
  void keep_first_line(std::string_view chunk);
  void count_completes(std::string_view chunk);

  uv_tcp_t socket_;
  uv_connect_t connect_;
  std::string request_;
  std::string tail_;
};

/// Clients of one user.
class Fleet {
 public:
  Fleet(uv_loop_t* loop, const Options& options) : loop_(loop), options_(options) {}

  /// `buckets`: what the clients say they have, as `positions_of` writes it.
  void open(size_t count, const std::string& buckets = "");
  void wait_for_completes(size_t each);
  void close();

  std::vector<std::unique_ptr<Client>> clients;

 private:
  uv_loop_t* loop_;
  const Options& options_;
};

/// `{"name":…,"after":…},…` of all buckets of a checkpoint line.
std::string positions_of(const std::string& checkpoint);

}  // namespace brigade::bench
