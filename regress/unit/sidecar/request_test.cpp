#include <gtest/gtest.h>

#include "http/request_parser.h"
#include "protocol/negotiation.h"
#include "protocol/stream_request.h"

namespace brigade::sidecar {
namespace {

using Status = RequestParser::Status;

constexpr std::string_view post =
    "POST /sync/stream?x=a%20b+c&y HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
    "CONTENT-LENGTH: 2\r\n\r\n{}";

TEST(RequestParser, AnyPiecesGiveTheSameRequest) {
  for (size_t piece = 1; piece <= post.size(); piece++) {
    RequestParser parser({});
    for (std::string_view rest = post; !rest.empty();) {
      rest.remove_prefix(parser.feed(rest.substr(0, piece)));
    }
    ASSERT_EQ(parser.status(), Status::complete);
    HttpRequest request = parser.take();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path(), "/sync/stream");
    EXPECT_EQ(request.query_parameter("x"), "a b c");
    EXPECT_EQ(request.query_parameter("z"), "");
    EXPECT_EQ(request.header("content-type"), "application/json");
    EXPECT_EQ(request.body, "{}");
    EXPECT_TRUE(request.keep_alive);
    EXPECT_TRUE(parser.untouched());
  }
}

TEST(RequestParser, LeavesWhatFollowsTheRequest) {
  RequestParser parser({});
  EXPECT_EQ(parser.feed(std::string(post) + "GET / HTTP/1.1\r\n"), post.size());
}

int status_of(const std::string& bytes, RequestLimits limits = {200, 10}) {
  RequestParser parser(limits);
  parser.feed(bytes);
  return parser.status() == Status::failed ? parser.failure().status : 0;
}

TEST(RequestParser, HostileBytesMeetAStatus) {
  EXPECT_EQ(status_of("\x16\x03\x01\x02garbage"), 400);
  EXPECT_EQ(status_of(std::string(100, '\0')), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nno colon\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /" + std::string(300, 'a') + " HTTP/1.1\r\n"), 431);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\na: " + std::string(300, 'b') + "\r\n"), 431);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 150; i++) many += "a:\r\n";
  EXPECT_EQ(status_of(many, {32'768, 10}), 431);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\ncontent-length: 11\r\n\r\n"), 413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nb\r\n01234567890\r\n"),
            413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n"),
            400);
}

std::string details_of(std::string_view body) {
  auto request = parse_stream_request(body);
  return request ? "" : request.error().details;
}

TEST(StreamRequest, BadFieldsAreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "/: type must be object"},
      {"not json", "/: body must be valid JSON"},
      {R"({"buckets":{}})", "/buckets: type must be array"},
      {R"({"buckets":[5]})", "/buckets/0: type must be object"},
      {R"({"buckets":[{"name":"a"}]})", "/buckets/0 must have required property 'after'"},
      {R"({"buckets":[{"name":"a","after":5}]})", "/buckets/0/after: type must be string"},
      {R"({"buckets":[{"name":"a","after":"x"}]})", "/buckets/0/after: must be an op id"},
      {R"({"buckets":[{"name":"a","after":"-1"}]})", "/buckets/0/after: must be an op id"},
      {R"({"buckets":[{"name":"a","after":"99999999999999999999"}]})", "must be an op id"},
      {R"({"raw_data":1})", "/raw_data: type must be boolean"},
      {R"({"client_id":1})", "/client_id: type must be string"},
      {R"({"client_id":"a\u0000"})", "/: body must be valid JSON"},
      {R"({"parameters":[]})", "/parameters: type must be object"},
      {R"({"streams":[]})", "/streams: type must be object"},
      {R"({"streams":{"subscriptions":[{"stream":"x"}]}})",
       "/streams/subscriptions/0 must have required property 'override_priority'"},
      {R"({"streams":{"subscriptions":[{"stream":"x","override_priority":4}]}})",
       "/streams/subscriptions/0/override_priority: must be between 0 and 3"},
      {R"({"streams":{"subscriptions":[{"stream":1,"override_priority":null}]}})",
       "/streams/subscriptions/0/stream: type must be string"},
  };
  for (const auto& [body, details] : cases) {
    EXPECT_NE(details_of(body).find(details), std::string::npos) << body << details_of(body);
  }
  EXPECT_NE(details_of(std::string(100'000, '[')), "");
  EXPECT_NE(details_of("{\"app_metadata\":{\"x\":\"\xff\"}}"), "");
}

TEST(StreamRequest, OldAndUnknownFieldsAreAccepted) {
  for (const char* body :
       {"", "{}", R"({"future":[1]})", R"({"streams":null,"parameters":null})"}) {
    auto request = parse_stream_request(body);
    ASSERT_TRUE(request) << body;
    EXPECT_TRUE(request->include_defaults);
    EXPECT_FALSE(request->raw_data);
  }
  auto request = parse_stream_request(R"({"buckets":[{"name":"a","after":"7"}],"raw_data":true})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->positions.at("a"), 7);
}

TEST(CheckpointRequest, IdsInRange) {
  auto good = parse_checkpoint_request(R"({"client_id":"c","checkpoint_request_id":"100"})");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->request_id, 100);
  for (const char* id : {"\"0\"", "\"-1\"", "\"x\"", "\"9223372036854775808\"", "5", "null"}) {
    std::string body = std::string(R"({"client_id":"c","checkpoint_request_id":)") + id + "}";
    EXPECT_FALSE(parse_checkpoint_request(body)) << body;
  }
}

TEST(Negotiation, LineFormats) {
  auto choose = [](const char* accept) { return choose_line_format(accept, true); };
  EXPECT_EQ(choose(""), LineFormat::ndjson_raw);
  EXPECT_EQ(choose("*/*"), LineFormat::ndjson_raw);
  EXPECT_EQ(choose("text/html"), LineFormat::ndjson_raw);
  EXPECT_EQ(choose("application/vnd.powersync.bson-stream"), LineFormat::bson);
  EXPECT_EQ(choose("application/vnd.powersync.bson-stream;q=0.9,application/x-ndjson;q=0.8"),
            LineFormat::bson);
  EXPECT_EQ(choose("application/vnd.powersync.bson-stream;q=0.5 , application/x-ndjson"),
            LineFormat::ndjson_raw);
  EXPECT_EQ(choose("application/bson"), LineFormat::ndjson_raw);
  EXPECT_EQ(choose_line_format("*/*", false), LineFormat::ndjson_nested);
}

TEST(Negotiation, ContentCodings) {
  EXPECT_EQ(choose_content_coding(""), ContentCoding::identity);
  EXPECT_EQ(choose_content_coding("gzip, deflate, br"), ContentCoding::gzip);
  EXPECT_EQ(choose_content_coding("gzip, zstd"), ContentCoding::zstd);
  EXPECT_EQ(choose_content_coding("gzip, zstd;q=0.5"), ContentCoding::gzip);
  EXPECT_EQ(choose_content_coding("gzip;q=0, zstd;q=0"), ContentCoding::identity);
  EXPECT_EQ(choose_content_coding("br"), ContentCoding::identity);
}

}  // namespace
}  // namespace brigade::sidecar
