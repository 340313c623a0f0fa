#pragma once

#include <string>

namespace brigade::sidecar {

/// An error as clients see it. Codes: the public error code reference of the protocol.
struct ProtocolError {
  int status = 500;
  std::string code;
  std::string description;
  std::string details;   ///< left out of the body when empty
  std::string severity;  ///< left out of the body when empty
  std::string name = "ServiceError";

  /// `{"error":{"code",…}}` in the key order that existing clients have seen.
  std::string to_json() const;

  /// 401. `code` is PSYNC_S2101 … PSYNC_S2106.
  static ProtocolError authorization(std::string code, std::string description);
  /// 400 PSYNC_S2001. `problem` names the place, such as "/buckets/0/after: type must be string".
  static ProtocolError validation(const std::string& problem);
  static ProtocolError not_found(const std::string& method, const std::string& path);
  static ProtocolError body_too_large();
  static ProtocolError unsupported_media_type(const std::string& media_type);
  static ProtocolError too_many_connections();
  static ProtocolError no_sync_config();
  static ProtocolError too_many_buckets(const std::string& details);
  static ProtocolError shutting_down();
  static ProtocolError storage_unavailable();
  static ProtocolError internal();
};

}  // namespace brigade::sidecar
