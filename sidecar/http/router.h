#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/exchange.h"

namespace brigade::sidecar {

/// Finds the handler of a request by method and path; answers CORS preflights and unknown paths.
class Router {
 public:
  using Handler = std::function<void(const std::shared_ptr<Exchange>&)>;

  void add(std::string method, std::string path, Handler handler);
  /// Handles requests to upgrade the connection to a WebSocket.
  void add_upgrade(std::string path, Handler handler);
  void handle(const std::shared_ptr<Exchange>& exchange) const;

 private:
  struct Route {
    std::string method;
    std::string path;
    Handler handler;
    bool upgrade = false;
  };

  std::vector<Route> routes_;
};

}  // namespace brigade::sidecar
