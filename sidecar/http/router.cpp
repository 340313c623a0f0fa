#include "http/router.h"

#include <utility>

namespace brigade::sidecar {

namespace {

HttpResponse preflight() {
  return {
      204,
      "",
      "",
      {{"access-control-allow-methods", "GET,HEAD,POST"},
       {"access-control-allow-headers", "Content-Type, Authorization, User-Agent, X-User-Agent"},
       {"access-control-max-age", "3600"}}};
}

bool has_json_body(const HttpRequest& request) {
  std::string_view type = request.header("content-type");
  return type.empty() || type.starts_with("application/json");
}

}  // namespace

void Router::add(std::string method, std::string path, Handler handler) {
  routes_.push_back({std::move(method), std::move(path), std::move(handler)});
}

void Router::add_upgrade(std::string path, Handler handler) {
  routes_.push_back({"GET", std::move(path), std::move(handler), true});
}

void Router::handle(const std::shared_ptr<Exchange>& exchange) const {
  const HttpRequest& request = exchange->request;
  if (request.method == "OPTIONS") {
    exchange->respond(preflight());
    return;
  }
  for (const Route& route : routes_) {
    bool matches = route.method == request.method && route.path == request.path() &&
                   route.upgrade == request.upgrade;
    if (!matches) continue;
    if (request.method == "POST" && !has_json_body(request)) {
      std::string type(request.header("content-type"));
      exchange->respond(ProtocolError::unsupported_media_type(type));
    } else {
      route.handler(exchange);
    }
    return;
  }
  exchange->respond(ProtocolError::not_found(request.method, std::string(request.path())));
}

}  // namespace brigade::sidecar
