#pragma once

#include <zstd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/negotiation.h"

namespace brigade::sidecar {

/// Compresses a stream in pieces. After every piece the client can decode all that was sent.
class Compressor {
 public:
  virtual ~Compressor() = default;
  virtual SharedBytes compress(const SharedBytes& bytes) = 0;
  /// What ends the stream.
  virtual std::string finish() = 0;
};

/// Null for identity.
std::unique_ptr<Compressor> make_compressor(ContentCoding coding);
/// The value of the content-encoding header; empty for identity.
std::string_view name_of(ContentCoding coding);

/// gzip (RFC 1952) in which every piece is compressed by itself, with one deflate state for the
/// whole process: an idle stream costs a checksum instead of 256 KiB, and a line that many streams
/// send is compressed once.
class GzipCompressor : public Compressor {
 public:
  SharedBytes compress(const SharedBytes& bytes) override;
  std::string finish() override;

 private:
  uint64_t crc_ = 0;
  uint32_t size_ = 0;
  bool begun_ = false;
};

/// zstd (RFC 8878), one frame a stream: browsers stop at the end of the first.
class ZstdCompressor : public Compressor {
 public:
  ZstdCompressor();
  SharedBytes compress(const SharedBytes& bytes) override;
  std::string finish() override;

 private:
  std::string run(std::string_view bytes, ZSTD_EndDirective directive);

  struct ContextDeleter {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, ContextDeleter> context_;
};

}  // namespace brigade::sidecar
