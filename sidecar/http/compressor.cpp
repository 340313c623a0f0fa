#include "http/compressor.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

namespace brigade::sidecar {

namespace {

/// Speed counts: a stream is compressed while its client waits.
constexpr int gzip_level = 1;
constexpr int zstd_level = 1;
/// 2^17 bytes: what an idle stream keeps in memory grows with its window.
constexpr int zstd_window_log = 17;

/// Pieces up to this size, such as keepalives, are stored: compressing would not shorten them.
constexpr size_t stored_size_max = 64;

/// The deflate state that all gzip streams use in turn, without header and trailer.
z_stream& shared_deflate() {
  static z_stream stream = [] {
    z_stream fresh{};
    deflateInit2(&fresh, gzip_level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    return fresh;
  }();
  return stream;
}

void append_little_endian(std::string& out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; i++) out += static_cast<char>(value >> (8 * i));
}

/// RFC 1951 §3.2.4: a stored block that is not the last. REQUIRES: a byte boundary before it.
void append_stored(std::string& out, std::string_view bytes) {
  out += '\0';
  append_little_endian(out, static_cast<uint32_t>(bytes.size()), 2);
  append_little_endian(out, ~static_cast<uint32_t>(bytes.size()), 2);
  out += bytes;
}

/// Deflates from a fresh state and ends at a byte boundary, so that pieces can follow each other.
void append_deflated(std::string& out, std::string_view bytes) {
  z_stream& stream = shared_deflate();
  deflateReset(&stream);
  size_t start = out.size();
  out.resize(start + deflateBound(&stream, bytes.size()) + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data() + start);
  stream.avail_out = static_cast<uInt>(out.size() - start);
  deflate(&stream, Z_SYNC_FLUSH);
  out.resize(out.size() - stream.avail_out);
}

/// A piece in deflate form, to be used in any stream.
struct Deflated {
  SharedBytes source;
  SharedBytes bytes;
  uint64_t crc = 0;

  size_t size() const { return source->size() + bytes->size(); }
};

/// Lines that many sessions send come in quick succession, so that remembering a few is enough.
class RecentlyDeflated {
 public:
  const Deflated& get(const SharedBytes& source) {
    auto found = std::find_if(entries_.begin(), entries_.end(),
                              [&](const Deflated& entry) { return entry.source == source; });
    if (found != entries_.end()) return *found;
    std::string bytes;
    append_deflated(bytes, *source);
    bytes.shrink_to_fit();
    uint64_t crc = crc32_z(0, reinterpret_cast<const Bytef*>(source->data()), source->size());
    entries_.push_back({source, std::make_shared<const std::string>(std::move(bytes)), crc});
    size_ += entries_.back().size();
    forget_oldest();
    return entries_.back();
  }

 private:
  static constexpr size_t count_max = 64;
  static constexpr size_t size_max = 8 << 20;

  /// The newest stays, whatever its size.
  void forget_oldest() {
    while (entries_.size() > count_max || (size_ > size_max && entries_.size() > 1)) {
      size_ -= entries_.front().size();
      entries_.pop_front();
    }
  }

  std::deque<Deflated> entries_;
  size_t size_ = 0;
};

const Deflated& deflate_shared(const SharedBytes& source) {
  static RecentlyDeflated recent;
  return recent.get(source);
}

// RFC 1952 §2.3: magic, deflate, no flags, no time, fastest, unknown system.
constexpr std::string_view gzip_header("\x1f\x8b\x08\0\0\0\0\0\x04\xff", 10);

}  // namespace

std::unique_ptr<Compressor> make_compressor(ContentCoding coding) {
  if (coding == ContentCoding::gzip) return std::make_unique<GzipCompressor>();
  if (coding == ContentCoding::zstd) return std::make_unique<ZstdCompressor>();
  return nullptr;
}

std::string_view name_of(ContentCoding coding) {
  if (coding == ContentCoding::gzip) return "gzip";
  return coding == ContentCoding::zstd ? "zstd" : "";
}

SharedBytes GzipCompressor::compress(const SharedBytes& bytes) {
  size_ += static_cast<uint32_t>(bytes->size());
  std::string out(std::exchange(begun_, true) ? "" : gzip_header);
  if (bytes->size() <= stored_size_max) {
    crc_ = crc32_z(crc_, reinterpret_cast<const Bytef*>(bytes->data()), bytes->size());
    append_stored(out, *bytes);
    return std::make_shared<const std::string>(std::move(out));
  }
  const Deflated& deflated = deflate_shared(bytes);
  crc_ = crc32_combine(crc_, deflated.crc, static_cast<z_off_t>(bytes->size()));
  if (out.empty()) return deflated.bytes;
  return std::make_shared<const std::string>(out + *deflated.bytes);
}

std::string GzipCompressor::finish() {
  std::string out(std::exchange(begun_, true) ? "" : gzip_header);
  out.append("\x03\x00", 2);  // An empty last block.
  append_little_endian(out, static_cast<uint32_t>(crc_), 4);
  append_little_endian(out, size_, 4);
  return out;
}

ZstdCompressor::ZstdCompressor() : context_(ZSTD_createCCtx()) {
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, zstd_level);
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, zstd_window_log);
}

std::string ZstdCompressor::run(std::string_view bytes, ZSTD_EndDirective directive) {
  std::string out;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  size_t left = 1;
  while (left != 0) {
    std::array<char, 16 * 1024> piece;
    ZSTD_outBuffer buffer{piece.data(), piece.size(), 0};
    left = ZSTD_compressStream2(context_.get(), &buffer, &in, directive);
    if (ZSTD_isError(left) != 0) return out;
    out.append(piece.data(), buffer.pos);
  }
  return out;
}

SharedBytes ZstdCompressor::compress(const SharedBytes& bytes) {
  return std::make_shared<const std::string>(run(*bytes, ZSTD_e_flush));
}

std::string ZstdCompressor::finish() { return run("", ZSTD_e_end); }

}  // namespace brigade::sidecar
