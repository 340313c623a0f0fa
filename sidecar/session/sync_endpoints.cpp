#include "session/sync_endpoints.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "http/chunked_sink.h"
#include "protocol/json_writer.h"
#include "protocol/negotiation.h"
#include "protocol/stream_request.h"
#include "protocol/utf8.h"

namespace brigade::sidecar {

namespace {

/// The argument of `brigade.resolve`.
std::string resolve_request(const StreamRequest& request, const Claims& claims,
                            const SyncLimits& limits) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_document();
  writer.string("user_id", claims.user_id);
  request.client_id.empty() ? writer.null("client_id")
                            : writer.string("client_id", request.client_id);
  writer.raw("token", claims.json);
  writer.raw("connection_parameters", request.connection_parameters_json);
  writer.boolean("include_defaults", request.include_defaults);
  writer.raw("subscriptions", request.subscriptions_json);
  writer.begin_object("limits");
  writer.number("buckets", limits.buckets_max);
  writer.number("parameter_results", limits.parameter_results_max);
  writer.end_object();
  writer.end_document();
  return text;
}

std::string random_id(std::minstd_rand& random) {
  std::array<char, 24> text;
  int length = std::snprintf(text.data(), text.size(), "%08lx%08lx", random(), random());
  return {text.data(), static_cast<size_t>(length)};
}

std::string user_agent_of(const HttpRequest& request) {
  std::string_view own = request.header("x-user-agent");
  return std::string(own.empty() ? request.header("user-agent") : own);
}

HttpResponse id_response(const char* name, int64_t id) {
  return HttpResponse::json(
      200, std::string("{\"data\":{\"") + name + "\":\"" + std::to_string(id) + "\"}}");
}

StorageCallback<int64_t> respond_with_id(const std::shared_ptr<Exchange>& exchange,
                                         const char* name) {
  return [exchange, name](Result<int64_t, StorageError> id) {
    exchange->respond(id ? id_response(name, *id)
                         : HttpResponse::error(to_protocol_error(id.error())));
  };
}

}  // namespace

void SyncEndpoints::add_to(Router& router) {
  router.add("POST", "/sync/stream", [this](const ExchangePointer& exchange) {
    admit(exchange, [=, this](const Claims& claims) { stream(exchange, claims); });
  });
  router.add_upgrade("/sync/stream",
                     [this](const ExchangePointer& exchange) { upgrade(exchange); });
  router.add("GET", "/write-checkpoint2.json", [this](const ExchangePointer& exchange) {
    admit(exchange, [=, this](const Claims& claims) {
      create_write_checkpoint(exchange, claims, exchange->request.query_parameter("client_id"));
    });
  });
  router.add("POST", "/write-checkpoint.json", [this](const ExchangePointer& exchange) {
    admit(exchange,
          [=, this](const Claims& claims) { create_write_checkpoint(exchange, claims, ""); });
  });
  router.add("POST", "/sync/checkpoint-request", [this](const ExchangePointer& exchange) {
    admit(exchange, [=, this](const Claims& claims) { request_checkpoint(exchange, claims); });
  });
}

void SyncEndpoints::admit(std::string_view authorization, const Admitted& then) {
  if (shutting_down_) {
    then(ProtocolError::shutting_down());
  } else {
    authenticator_.authenticate(authorization, then);
  }
}

void SyncEndpoints::admit(const ExchangePointer& exchange,
                          std::function<void(const Claims&)> then) {
  auto decide = [exchange, then = std::move(then)](const Result<Claims, ProtocolError>& claims) {
    if (claims) {
      then(*claims);
    } else {
      exchange->respond(claims.error());
    }
  };
  admit(exchange->request.header("authorization"), decide);
}

Result<StreamRequest, ProtocolError> SyncEndpoints::parse(std::string_view body) const {
  if (sessions_.size() >= limits_.connections_max) return ProtocolError::too_many_connections();
  return parse_stream_request(body);
}

std::shared_ptr<LiveSession> SyncEndpoints::make_session(StreamRequest request,
                                                         const Claims& claims, LineFormat format,
                                                         std::unique_ptr<LineSink> sink,
                                                         LiveSession::Labels labels) {
  std::string question = resolve_request(request, claims, limits_);
  SessionOptions options{claims.user_id, std::move(request.client_id), format,
                         claims.expires_at_s * 1000, std::move(request.positions)};
  labels.request_id = random_id(world_.random);
  labels.app_metadata = std::move(request.app_metadata_json);
  auto session = std::make_shared<LiveSession>(world_, std::move(options), std::move(question),
                                               std::move(sink), std::move(labels));
  sessions_.insert(session.get());
  return session;
}

void SyncEndpoints::stream(const ExchangePointer& exchange, const Claims& claims) {
  if (!exchange->open()) return;
  Result<StreamRequest, ProtocolError> request = parse(exchange->request.body);
  if (!request) {
    exchange->respond(request.error());
    return;
  }
  LineFormat format = choose_line_format(exchange->request.header("accept"), request->raw_data);
  ContentCoding coding = choose_content_coding(exchange->request.header("accept-encoding"));
  LiveSession::Labels labels;
  labels.user_agent = user_agent_of(exchange->request);
  labels.transport = format == LineFormat::bson ? "http-bson" : "http-ndjson";
  labels.coding = name_of(coding);
  auto session = make_session(
      std::move(*request), claims, format,
      std::make_unique<ChunkedSink>(exchange, content_type_of(format), coding), std::move(labels));
  exchange->take_over(session);
  session->start();
}

void SyncEndpoints::upgrade(const ExchangePointer& exchange) {
  std::string key = WebSocket::accept_key(exchange->request.header("sec-websocket-key"));
  if (key.empty() || exchange->request.header("sec-websocket-version") != "13") {
    exchange->respond(
        ProtocolError{400, "PSYNC_S2001", "Not a WebSocket handshake", "", "", "RequestError"});
    return;
  }
  auto on_request = [this](std::shared_ptr<RSocketConnection> connection,
                           RSocketConnection::Request request, std::unique_ptr<RSocketSink> sink) {
    // std::function must be copyable, so that the sink waits in a shared pointer.
    auto waiting = std::make_shared<std::unique_ptr<RSocketSink>>(std::move(sink));
    auto decide = [=, this](const Result<Claims, ProtocolError>& claims) {
      if (claims) {
        stream_in_socket(connection, request, std::move(*waiting), *claims);
      } else {
        (*waiting)->refuse(claims.error());
      }
    };
    admit(request.authorization, decide);
  };
  exchange->connection().send(
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
      "sec-websocket-accept: " +
      key + "\r\n\r\n");
  exchange->connection().flush();
  exchange->take_over(
      std::make_shared<RSocketConnection>(exchange, limits_.body_bytes_max, on_request));
}

void SyncEndpoints::stream_in_socket(const std::shared_ptr<RSocketConnection>& connection,
                                     const RSocketConnection::Request& request,
                                     std::unique_ptr<RSocketSink> sink, const Claims& claims) {
  if (!connection->open()) return;
  if (request.path != "/sync/stream") {
    sink->refuse(ProtocolError::not_found("STREAM", request.path));
    return;
  }
  Result<StreamRequest, ProtocolError> body = parse(request.body);
  if (!body) {
    sink->refuse(body.error());
    return;
  }
  RSocketSink* raw_sink = sink.get();
  LiveSession::Labels labels;
  labels.user_agent = request.user_agent;
  labels.transport = "websocket";
  auto session =
      make_session(std::move(*body), claims, LineFormat::bson, std::move(sink), std::move(labels));
  connection->set_session(session, raw_sink);
  session->start();
}

void SyncEndpoints::create_write_checkpoint(const ExchangePointer& exchange, const Claims& claims,
                                            const std::string& client_id) {
  if (!is_storable_text(client_id)) {
    exchange->respond(ProtocolError::validation("/client_id: must be UTF-8 without NUL"));
    return;
  }
  world_.storage.create_write_checkpoint(claims.user_id, client_id,
                                         respond_with_id(exchange, "write_checkpoint"));
}

void SyncEndpoints::request_checkpoint(const ExchangePointer& exchange, const Claims& claims) {
  Result<CheckpointRequest, ProtocolError> request =
      parse_checkpoint_request(exchange->request.body);
  if (!request) {
    exchange->respond(request.error());
    return;
  }
  world_.storage.request_checkpoint(claims.user_id, request->client_id, request->request_id,
                                    respond_with_id(exchange, "checkpoint_request_id"));
}

template <class Visit>
void SyncEndpoints::for_each_session(Visit visit) {
  std::vector<std::shared_ptr<LiveSession>> sessions;
  for (LiveSession* session : sessions_) sessions.push_back(session->shared_from_this());
  for (const auto& session : sessions) visit(*session);
}

Counts SyncEndpoints::open_stream_counts() const {
  Counts counts;
  for (const LiveSession* session : sessions_) {
    counts.data_synced_bytes += session->sink().bytes_synced();
    counts.data_sent_bytes += session->sink().bytes_sent();
    counts.operations_synced += session->session().counters().operations;
  }
  return counts;
}

void SyncEndpoints::shut_down() {
  shutting_down_ = true;
  for_each_session([](LiveSession& session) { session.shut_down(CloseReason::shutting_down); });
}

void SyncEndpoints::on_storage_recovered() {
  for_each_session([](LiveSession& session) { session.on_storage_recovered(); });
}

}  // namespace brigade::sidecar
