#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace brigade::sidecar {

/// Decodes base64url without padding (RFC 4648 §5), as JSON Web Tokens use it. Empty for any
/// other character, and for a length no encoder makes.
std::optional<std::string> decode_base64url(std::string_view text);

/// Encodes as base64url without padding. The sidecar verifies tokens; its tests and load generator
/// make them.
std::string encode_base64url(std::string_view bytes);

/// Decodes standard base64 (RFC 4648 §4), padded or not.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace brigade::sidecar
