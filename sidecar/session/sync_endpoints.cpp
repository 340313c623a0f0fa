#include "session/sync_endpoints.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "http/chunked_sink.h"
#include "protocol/json_writer.h"
#include "protocol/negotiation.h"
#include "protocol/stream_request.h"

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

void SyncEndpoints::admit(const ExchangePointer& exchange,
                          std::function<void(const Claims&)> then) {
  if (shutting_down_) {
    exchange->respond(ProtocolError::shutting_down());
    return;
  }
  auto decide = [exchange, then = std::move(then)](const Result<Claims, ProtocolError>& claims) {
    if (claims) {
      then(*claims);
    } else {
      exchange->respond(claims.error());
    }
  };
  authenticator_.authenticate(exchange->request.header("authorization"), decide);
}

void SyncEndpoints::stream(const ExchangePointer& exchange, const Claims& claims) {
  if (!exchange->open()) return;
  if (sessions_.size() >= limits_.connections_max) {
    exchange->respond(ProtocolError::too_many_connections());
    return;
  }
  Result<StreamRequest, ProtocolError> request = parse_stream_request(exchange->request.body);
  if (!request) {
    exchange->respond(request.error());
    return;
  }
  LineFormat format = choose_line_format(exchange->request.header("accept"), request->raw_data);
  auto sink = std::make_unique<ChunkedSink>(exchange, content_type_of(format));
  SessionOptions options{claims.user_id, request->client_id, format, claims.expires_at_s * 1000,
                         std::move(request->positions)};
  auto session = std::make_shared<LiveSession>(
      world_, std::move(options), resolve_request(*request, claims, limits_), std::move(sink),
      LiveSession::Labels{random_id(world_.random), user_agent_of(exchange->request),
                          std::move(request->app_metadata_json)});
  sessions_.insert(session.get());
  exchange->take_over(session);
  session->start();
}

void SyncEndpoints::create_write_checkpoint(const ExchangePointer& exchange, const Claims& claims,
                                            const std::string& client_id) {
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

void SyncEndpoints::shut_down() {
  shutting_down_ = true;
  for_each_session([](LiveSession& session) { session.shut_down(CloseReason::shutting_down); });
}

void SyncEndpoints::on_storage_recovered() {
  for_each_session([](LiveSession& session) { session.on_storage_recovered(); });
}

}  // namespace brigade::sidecar
