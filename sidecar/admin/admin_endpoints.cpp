#include "admin/admin_endpoints.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "admin/probes.h"
#include "auth/token.h"
#include "protocol/bounded_json.h"
#include "session/live_session.h"
#include "storage/postgres_storage.h"

namespace brigade::sidecar {

namespace {

constexpr Statement validate_statement{"validate", "SELECT brigade.validate($1::text)::text"};
constexpr Statement deploy_statement{"admin_deploy", "SELECT brigade.deploy($1::text)::text"};

/// All user tables with their columns. sqlite_type: 2 text, 4 integer, 8 real, 1 blob.
constexpr Statement schema_statement{"schema", R"(
SELECT coalesce(json_agg(json_build_object('name', nspname, 'tables', tables) ORDER BY nspname),
                '[]')::text
FROM (
  SELECT nspname,
         json_agg(json_build_object('name', relname, 'columns', columns) ORDER BY relname) AS tables
  FROM (
    SELECT nspname, relname, json_agg(json_build_object(
        'name', attname,
        'sqlite_type', CASE WHEN typname IN ('bool', 'int2', 'int4', 'int8', 'oid') THEN 4
                            WHEN typname IN ('float4', 'float8') THEN 8
                            WHEN typname = 'bytea' THEN 1 ELSE 2 END,
        'internal_type', format_type(atttypid, atttypmod),
        'type', format_type(atttypid, atttypmod),
        'pg_type', typname) ORDER BY attnum) AS columns
    FROM pg_catalog.pg_attribute
    JOIN pg_catalog.pg_class ON pg_class.oid = attrelid AND relkind IN ('r', 'p')
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_catalog.pg_type ON pg_type.oid = atttypid
    WHERE attnum > 0 AND NOT attisdropped
      AND nspname NOT IN ('pg_catalog', 'information_schema', 'brigade', 'pg_toast')
    GROUP BY nspname, relname) AS of_table
  GROUP BY nspname) AS of_schema)"};

ProtocolError service_error(int status, std::string code, std::string description,
                            std::string details = "") {
  return {status, std::move(code), std::move(description), std::move(details), "", "ServiceError"};
}

/// Compares in a time that depends on the lengths only.
bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// "line 3, column 5: what is wrong; what to write" of every diagnostic of that severity.
std::vector<std::string> describe_diagnostics(const nlohmann::ordered_json& validation) {
  std::vector<std::string> texts;
  for (const auto& diagnostic : validation.value("diagnostics", nlohmann::ordered_json::array())) {
    std::string remedy = diagnostic.value("remedy", "");
    texts.push_back("line " + std::to_string(diagnostic.value("line", 0)) + ", column " +
                    std::to_string(diagnostic.value("column", 0)) + ": " +
                    diagnostic.value("message", "") + (remedy.empty() ? "" : "; " + remedy));
  }
  return texts;
}

}  // namespace

void AdminEndpoints::add_to(Router& router) {
  add(router, "POST", "/api/admin/v1/schema", &AdminEndpoints::schema);
  add(router, "POST", "/api/admin/v1/validate", &AdminEndpoints::validate);
  add(router, "POST", "/api/sync-rules/v1/validate", &AdminEndpoints::validate_rules);
  add(router, "POST", "/api/sync-rules/v1/deploy", &AdminEndpoints::deploy_rules);
}

void AdminEndpoints::add(Router& router, const char* method, const char* path, Handle handle) {
  router.add(method, path, [this, handle](const ExchangePointer& exchange) {
    if (!may_enter(exchange->request)) {
      exchange->respond(ProtocolError::authorization("PSYNC_S2101", "Authorization failed"));
      return;
    }
    const std::string& text = exchange->request.body;
    auto body = Json::parse(text.empty() ? "{}" : text, nullptr, false);
    if (!parse_bounded_json(text.empty() ? "{}" : text) || !body.is_object()) {
      exchange->respond(ProtocolError::validation("/: type must be object"));
      return;
    }
    (this->*handle)(exchange, body);
  });
}

bool AdminEndpoints::may_enter(const HttpRequest& request) const {
  Result<std::string_view, ProtocolError> token = token_of_header(request.header("authorization"));
  if (!token) return false;
  return std::any_of(options_.tokens.begin(), options_.tokens.end(),
                     [&](const std::string& known) { return same_secret(*token, known); });
}

void AdminEndpoints::query(const ExchangePointer& exchange, const Statement& statement,
                           std::vector<std::string> parameters,
                           std::function<void(std::string_view)> then) {
  pool_.run(statement, std::move(parameters),
            [exchange, then = std::move(then)](Result<PgResult, StorageError> result) {
              if (result) {
                then(single_text(result->get()));
              } else if (result.error().transient) {
                exchange->respond(ProtocolError::storage_unavailable());
              } else {
                exchange->respond(service_error(422, "PSYNC_R0001", result.error().message,
                                                result.error().detail));
              }
            });
}

void AdminEndpoints::schema(const ExchangePointer& exchange, const Json&) {
  query(exchange, schema_statement, {}, [exchange](std::string_view schemas) {
    exchange->respond(HttpResponse::json(
        200, "{\"data\":{\"connections\":[{\"id\":\"default\",\"tag\":\"default\",\"schemas\":" +
                 std::string(schemas) + "}]}}"));
  });
}

void AdminEndpoints::validate(const ExchangePointer& exchange, const Json& body) {
  auto text = body.find("sync_rules");
  if (text == body.end() || !text->is_string()) {
    exchange->respond(ProtocolError::validation("/sync_rules: type must be string"));
    return;
  }
  query(exchange, validate_statement, {text->get<std::string>()},
        [exchange](std::string_view json) {
          Json validation = Json::parse(json, nullptr, false);
          Json errors = Json::array();
          bool valid = validation.value("valid", false);
          for (const std::string& message : describe_diagnostics(validation)) {
            errors.push_back({{"level", valid ? "warning" : "fatal"}, {"message", message}});
          }
          Json answer{{"data", {{"connections", Json::array()}, {"errors", errors}}}};
          exchange->respond(HttpResponse::json(200, answer.dump()));
        });
}

void AdminEndpoints::validate_rules(const ExchangePointer& exchange, const Json& body) {
  auto text = body.find("content");
  if (text == body.end() || !text->is_string()) {
    exchange->respond(ProtocolError::validation("/content: type must be string"));
    return;
  }
  query(exchange, validate_statement, {text->get<std::string>()},
        [exchange](std::string_view json) {
          Json validation = Json::parse(json, nullptr, false);
          Json answer{{"valid", validation.value("valid", false)},
                      {"errors", describe_diagnostics(validation)}};
          exchange->respond(HttpResponse::json(200, answer.dump(2) + "\n"));
        });
}

void AdminEndpoints::deploy_rules(const ExchangePointer& exchange, const Json& body) {
  if (options_.sync_config_is_fixed) {
    exchange->respond(service_error(422, "PSYNC_S4105", "Sync config API disabled",
                                    "Update sync config in the service configuration"));
    return;
  }
  auto text = body.find("content");
  if (text == body.end() || !text->is_string()) {
    exchange->respond(ProtocolError::validation("/content: type must be string"));
    return;
  }
  query(exchange, deploy_statement, {text->get<std::string>()}, [exchange](std::string_view json) {
    exchange->respond(HttpResponse::json(200, "{\"data\":" + std::string(json) + "}"));
  });
}

}  // namespace brigade::sidecar
