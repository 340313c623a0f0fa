#include "http/request_parser.h"

#include <algorithm>
#include <utility>

namespace brigade::sidecar {

namespace {

/// Headers are few in honest requests; every one costs two strings.
constexpr size_t headers_max = 100;

void to_lower(std::string& text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
}

}  // namespace

RequestParser::RequestParser(RequestLimits limits) : limits_(limits) { reset(); }

RequestParser& RequestParser::self(llhttp_t* parser) {
  return *static_cast<RequestParser*>(parser->data);
}

const llhttp_settings_t& RequestParser::settings() {
  static const llhttp_settings_t settings = [] {
    llhttp_settings_t callbacks;
    llhttp_settings_init(&callbacks);
    callbacks.on_url = [](llhttp_t* p, const char* at, size_t size) {
      return self(p).on_head_bytes(self(p).request_.target, at, size);
    };
    callbacks.on_header_field = [](llhttp_t* p, const char* at, size_t size) {
      return self(p).on_field(at, size);
    };
    callbacks.on_header_value = [](llhttp_t* p, const char* at, size_t size) {
      return self(p).on_value(at, size);
    };
    callbacks.on_headers_complete = [](llhttp_t* p) { return self(p).on_headers_complete(); };
    callbacks.on_body = [](llhttp_t* p, const char* at, size_t size) {
      return self(p).on_body(at, size);
    };
    callbacks.on_message_complete = [](llhttp_t* p) {
      self(p).status_ = Status::complete;
      return static_cast<int>(HPE_PAUSED);
    };
    return callbacks;
  }();
  return settings;
}

void RequestParser::reset() {
  llhttp_init(&parser_, HTTP_REQUEST, &settings());
  parser_.data = this;
  request_ = {};
  failure_.reset();
  head_bytes_ = 0;
  status_ = Status::reading_head;
  in_value_ = false;
}

size_t RequestParser::feed(std::string_view bytes) {
  if (bytes.empty() || status_ == Status::complete || status_ == Status::failed) return 0;
  // Blank lines before a request are none of its bytes for the limit's sake only.
  if (head_bytes_ == 0) head_bytes_ = 1;
  llhttp_errno_t error = llhttp_execute(&parser_, bytes.data(), bytes.size());
  if (error == HPE_OK) return bytes.size();
  bool upgrade = error == HPE_PAUSED_UPGRADE;
  if (upgrade) status_ = Status::complete;
  if (status_ == Status::complete) {
    request_.upgrade = upgrade || parser_.upgrade != 0;
    return static_cast<size_t>(llhttp_get_error_pos(&parser_) - bytes.data());
  }
  if (status_ != Status::failed) {
    fail(HttpResponse::error({400, "PSYNC_S2001", "Malformed HTTP request",
                              llhttp_errno_name(error), "", "RequestError"}));
  }
  return bytes.size();
}

int RequestParser::fail(HttpResponse response) {
  failure_ = std::move(response);
  status_ = Status::failed;
  return HPE_USER;
}

int RequestParser::fail_head() {
  return fail(HttpResponse::error(
      {431, "PSYNC_S2001", "Request head is too large", "", "", "RequestError"}));
}

int RequestParser::on_head_bytes(std::string& target, const char* bytes, size_t size) {
  head_bytes_ += size;
  if (head_bytes_ > limits_.head_bytes_max) return fail_head();
  target.append(bytes, size);
  return 0;
}

int RequestParser::on_field(const char* bytes, size_t size) {
  if (request_.headers.empty() || std::exchange(in_value_, false)) {
    if (request_.headers.size() == headers_max) return fail_head();
    request_.headers.emplace_back();
  }
  return on_head_bytes(request_.headers.back().first, bytes, size);
}

int RequestParser::on_value(const char* bytes, size_t size) {
  in_value_ = true;
  return on_head_bytes(request_.headers.back().second, bytes, size);
}

int RequestParser::on_headers_complete() {
  for (auto& header : request_.headers) to_lower(header.first);
  request_.method = llhttp_method_name(static_cast<llhttp_method_t>(parser_.method));
  request_.keep_alive = llhttp_should_keep_alive(&parser_) != 0;
  bool has_length = (parser_.flags & F_CONTENT_LENGTH) != 0;
  if (has_length && parser_.content_length > limits_.body_bytes_max) {
    return fail(HttpResponse::error(ProtocolError::body_too_large()));
  }
  status_ = Status::reading_body;
  return 0;
}

int RequestParser::on_body(const char* bytes, size_t size) {
  if (request_.body.size() + size > limits_.body_bytes_max) {
    return fail(HttpResponse::error(ProtocolError::body_too_large()));
  }
  request_.body.append(bytes, size);
  return 0;
}

HttpRequest RequestParser::take() {
  HttpRequest request = std::move(request_);
  reset();
  return request;
}

}  // namespace brigade::sidecar
