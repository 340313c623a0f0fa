// HTTP requests in pieces, then their bodies. The first byte chooses the size of the pieces.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/request_parser.h"
#include "protocol/negotiation.h"
#include "protocol/stream_request.h"

using namespace brigade::sidecar;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  size_t piece = bytes[0] + 1U;
  RequestParser parser({4096, 65'536});
  while (!text.empty() && parser.status() < RequestParser::Status::complete) {
    text.remove_prefix(parser.feed(text.substr(0, piece)));
  }
  if (parser.status() != RequestParser::Status::complete) return 0;
  HttpRequest request = parser.take();
  request.query_parameter("client_id");
  choose_line_format(request.header("accept"), true);
  choose_content_coding(request.header("accept-encoding"));
  parse_stream_request(request.body);
  parse_checkpoint_request(request.body);
  return 0;
}
