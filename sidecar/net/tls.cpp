#include "net/tls.h"

#include <openssl/err.h>

#include <array>

namespace brigade::sidecar {

namespace {

std::string last_error(const std::string& path) {
  std::array<char, 256> text;
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return path + ": " + text.data();
}

/// One connection's TLS state between two memory buffers: OpenSSL never sees the socket.
class TlsFilter : public ByteFilter {
 public:
  explicit TlsFilter(SSL_CTX* context)
      : ssl_(SSL_new(context)), from_peer_(BIO_new(BIO_s_mem())), to_peer_(BIO_new(BIO_s_mem())) {
    SSL_set_bio(ssl_.get(), from_peer_, to_peer_);
    SSL_set_accept_state(ssl_.get());
  }

  bool receive(std::string_view bytes, std::string& to_handler, std::string& to_peer) override {
    BIO_write(from_peer_, bytes.data(), static_cast<int>(bytes.size()));
    std::array<char, 16 * 1024> clear;
    int size = 0;
    while ((size = SSL_read(ssl_.get(), clear.data(), clear.size())) > 0) {
      to_handler.append(clear.data(), static_cast<size_t>(size));
    }
    bool valid = SSL_get_error(ssl_.get(), size) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    take_output(to_peer);
    return valid;
  }

  bool send(std::string_view bytes, std::string& to_peer) override {
    bool sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
    ERR_clear_error();
    take_output(to_peer);
    return sent;
  }

  void finish(std::string& to_peer) override {
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    take_output(to_peer);
  }

 private:
  void take_output(std::string& to_peer) {
    char* bytes = nullptr;
    long size = BIO_get_mem_data(to_peer_, &bytes);
    if (size <= 0) return;
    to_peer.append(bytes, static_cast<size_t>(size));
    BIO_reset(to_peer_);
  }

  struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, SslDeleter> ssl_;
  BIO* from_peer_;  ///< owned by ssl_
  BIO* to_peer_;    ///< owned by ssl_
};

}  // namespace

std::string TlsContext::load(const std::string& certificate_path, const std::string& key_path) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // Idle connections give their buffers back.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_path.c_str()) != 1) {
    return last_error(certificate_path);
  }
  bool loaded =
      SSL_CTX_use_PrivateKey_file(context.get(), key_path.c_str(), SSL_FILETYPE_PEM) == 1 &&
      SSL_CTX_check_private_key(context.get()) == 1;
  if (!loaded) return last_error(key_path);
  context_ = std::move(context);
  return "";
}

std::unique_ptr<ByteFilter> TlsContext::make_filter() const {
  return std::make_unique<TlsFilter>(context_.get());
}

}  // namespace brigade::sidecar
