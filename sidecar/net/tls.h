#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "net/connection.h"

namespace brigade::sidecar {

/// The certificate that new connections use.
class TlsContext {
 public:
  /// Loads PEM files. The answer is an error text, empty on success; after an error the
  /// certificate that was loaded before stays in use.
  std::string load(const std::string& certificate_path, const std::string& key_path);
  /// TLS 1.2 or 1.3 for one new connection. REQUIRES: a certificate was loaded.
  std::unique_ptr<ByteFilter> make_filter() const;

 private:
  std::shared_ptr<SSL_CTX> context_;
};

}  // namespace brigade::sidecar
