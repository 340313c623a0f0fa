#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/error.h"

namespace brigade::sidecar {

struct HttpRequest {
  std::string method;
  std::string target;                                        ///< as sent
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string body;
  bool keep_alive = false;
  bool upgrade = false;

  /// The target before its `?`.
  std::string_view path() const;
  /// The first header of this lower-case name; empty when absent.
  std::string_view header(std::string_view name) const;
  bool has_header(std::string_view name) const;
  /// A decoded query parameter; empty when absent.
  std::string query_parameter(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type;  ///< empty: no such header
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;

  static HttpResponse json(int status, std::string body);
  static HttpResponse error(const ProtocolError& error);
};

/// `HTTP/1.1 200 OK` and the headers that every response has, up to and without the blank line.
std::string response_head(int status);
/// The whole response. `close`: tells the client that the connection ends after it.
std::string serialize(const HttpResponse& response, bool close);

}  // namespace brigade::sidecar
