#pragma once

#include <llhttp.h>

#include <optional>
#include <string_view>

#include "http/message.h"

namespace brigade::sidecar {

struct RequestLimits {
  size_t head_bytes_max = 32 * 1024;
  size_t body_bytes_max = 1024 * 1024;
};

/// Reads one HTTP/1.1 request from bytes in any pieces.
class RequestParser {
 public:
  enum class Status : uint8_t { reading_head, reading_body, complete, failed };

  explicit RequestParser(RequestLimits limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// The answer is the number of bytes that belong to the request; what follows is the next's.
  size_t feed(std::string_view bytes);
  Status status() const { return status_; }
  /// True while nothing of a request has come.
  bool untouched() const { return head_bytes_ == 0; }
  /// REQUIRES: status() == failed.
  const HttpResponse& failure() const { return *failure_; }
  /// REQUIRES: status() == complete.
  bool is_upgrade() const { return request_.upgrade; }
  /// REQUIRES: status() == complete. Starts over for the next request.
  HttpRequest take();

 private:
  static const llhttp_settings_t& settings();
  static RequestParser& self(llhttp_t* parser);
  int on_head_bytes(std::string& target, const char* bytes, size_t size);
  int on_field(const char* bytes, size_t size);
  int on_value(const char* bytes, size_t size);
  int on_headers_complete();
  int on_body(const char* bytes, size_t size);
  int fail(HttpResponse response);
  int fail_head();
  void reset();

  RequestLimits limits_;
  llhttp_t parser_;
  HttpRequest request_;
  std::optional<HttpResponse> failure_;
  size_t head_bytes_ = 0;
  Status status_ = Status::reading_head;
  bool in_value_ = false;
};

}  // namespace brigade::sidecar
