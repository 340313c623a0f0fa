#include "protocol/error.h"

#include <nlohmann/json.hpp>

namespace brigade::sidecar {

using Json = nlohmann::ordered_json;

static std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string ProtocolError::to_json() const {
  Json error{{"code", code}, {"status", status}, {"description", description}};
  if (!details.empty()) error["details"] = details;
  if (!severity.empty()) error["severity"] = severity;
  error["name"] = name;
  return dump(Json{{"error", error}});
}

ProtocolError ProtocolError::authorization(std::string code, std::string description) {
  return {401, std::move(code), std::move(description), "", "", "AuthorizationError"};
}

ProtocolError ProtocolError::validation(const std::string& problem) {
  return {400, "PSYNC_S2001",    "Validation failed", dump(Json::array({problem})),
          "",  "ValidationError"};
}

ProtocolError ProtocolError::not_found(const std::string& method, const std::string& path) {
  return {404,
          "PSYNC_S2002",
          "The path does not exist on this server",
          "The path " + method + " \"" + path + "\" does not exist on this server",
          "info",
          "RouteNotFound"};
}

ProtocolError ProtocolError::body_too_large() {
  return {413, "PSYNC_S2001", "Request body is too large", "", "", "RequestBodyTooLarge"};
}

ProtocolError ProtocolError::unsupported_media_type(const std::string& media_type) {
  return {415, "PSYNC_S2004",         "Unsupported media type: " + media_type, "",
          "",  "UnsupportedMediaType"};
}

ProtocolError ProtocolError::too_many_connections() {
  return {429, "PSYNC_S2304", "Maximum active concurrent connections limit has been reached", "",
          "",  "ServiceError"};
}

ProtocolError ProtocolError::no_sync_config() {
  return {500, "PSYNC_S2302", "No sync config available", "", "", "ServiceError"};
}

ProtocolError ProtocolError::too_many_buckets(const std::string& details) {
  return {500, "PSYNC_S2305", "Too many buckets or parameter results", details, "", "ServiceError"};
}

ProtocolError ProtocolError::shutting_down() {
  return {
      503, "PSYNC_S2003",       "Service temporarily unavailable", "The server is shutting down",
      "",  "ServiceUnavailable"};
}

ProtocolError ProtocolError::storage_unavailable() {
  return {
      503, "PSYNC_S2003",       "Service temporarily unavailable", "The database cannot be reached",
      "",  "ServiceUnavailable"};
}

ProtocolError ProtocolError::internal() {
  return {500, "PSYNC_S2001", "Internal server error", "", "", "InternalServerError"};
}

}  // namespace brigade::sidecar
