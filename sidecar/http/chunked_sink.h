#pragma once

#include <memory>
#include <vector>

#include "http/compressor.h"
#include "http/exchange.h"
#include "session/line_sink.h"

namespace brigade::sidecar {

/// Sends lines as the chunked body of a response. The head goes out with the first line, so that
/// an error before it still gets its status.
class ChunkedSink : public LineSink {
 public:
  ChunkedSink(std::shared_ptr<Exchange> exchange, std::string_view content_type,
              ContentCoding coding);

  void write(const SharedBytes& line) override;
  void flush() override;
  size_t unflushed_bytes() const override { return line_bytes_; }
  bool writable() const override;
  void refuse(const ProtocolError& error) override;
  void finish() override;
  uint64_t bytes_synced() const override { return bytes_synced_; }
  uint64_t bytes_sent() const override { return bytes_sent_; }

 private:
  void send_head();
  void send_chunk(const std::vector<SharedBytes>& pieces);

  std::shared_ptr<Exchange> exchange_;
  std::string_view content_type_;
  ContentCoding coding_;
  std::unique_ptr<Compressor> compressor_;  ///< null: identity
  std::vector<SharedBytes> lines_;
  size_t line_bytes_ = 0;
  uint64_t bytes_synced_ = 0;
  uint64_t bytes_sent_ = 0;
  bool head_sent_ = false;
};

}  // namespace brigade::sidecar
