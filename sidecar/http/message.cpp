#include "http/message.h"

#include <algorithm>
#include <charconv>

namespace brigade::sidecar {

namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Entity";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return status < 500 ? "Error" : "Internal Server Error";
  }
}

/// Decodes %XX and + of application/x-www-form-urlencoded; a malformed escape stays as it is.
std::string decode_form(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); i++) {
    unsigned value = 0;
    std::string_view digits = text.substr(std::min(i + 1, text.size()), 2);
    bool escaped = text[i] == '%' && digits.size() == 2 &&
                   std::from_chars(digits.begin(), digits.end(), value, 16).ptr == digits.end();
    if (escaped) {
      decoded += static_cast<char>(value);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

}  // namespace

std::string_view HttpRequest::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

bool HttpRequest::has_header(std::string_view name) const {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return header.first == name; });
}

std::string HttpRequest::query_parameter(std::string_view name) const {
  size_t start = target.find('?');
  std::string_view rest =
      start == std::string::npos ? "" : std::string_view(target).substr(start + 1);
  while (!rest.empty()) {
    std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    size_t equals = std::min(pair.find('='), pair.size());
    if (decode_form(pair.substr(0, equals)) != name) continue;
    return decode_form(pair.substr(std::min(equals + 1, pair.size())));
  }
  return "";
}

HttpResponse HttpResponse::json(int status, std::string body) {
  return {status, "application/json; charset=utf-8", std::move(body), {}};
}

HttpResponse HttpResponse::error(const ProtocolError& error) {
  return json(error.status, error.to_json());
}

std::string response_head(int status) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head += reason_phrase(status);
  head +=
      "\r\naccess-control-allow-origin: *\r\n"
      "access-control-expose-headers: Content-Type\r\n";
  return head;
}

std::string serialize(const HttpResponse& response, bool close) {
  std::string out = response_head(response.status);
  for (const auto& [name, value] : response.headers) out += name + ": " + value + "\r\n";
  if (!response.content_type.empty()) out += "content-type: " + response.content_type + "\r\n";
  out += "content-length: " + std::to_string(response.body.size()) + "\r\n";
  if (close) out += "connection: close\r\n";
  return out + "\r\n" + response.body;
}

}  // namespace brigade::sidecar
