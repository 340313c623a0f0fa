#include "targets.h"

#include <string_view>

#include "http/request_parser.h"
#include "protocol/negotiation.h"
#include "protocol/stream_request.h"

namespace brigade::fuzz {

using namespace brigade::sidecar;

void sidecar_request(std::string_view input) {
  if (input.empty()) return;
  size_t piece = static_cast<unsigned char>(input[0]) + 1U;
  std::string_view text = input.substr(1);
  RequestParser parser({4096, 65'536});
  while (!text.empty() && parser.status() < RequestParser::Status::complete) {
    text.remove_prefix(parser.feed(text.substr(0, piece)));
  }
  if (parser.status() != RequestParser::Status::complete) return;
  HttpRequest request = parser.take();
  request.query_parameter("client_id");
  choose_line_format(request.header("accept"), true);
  choose_content_coding(request.header("accept-encoding"));
  parse_stream_request(request.body);
  parse_checkpoint_request(request.body);
}

}  // namespace brigade::fuzz
