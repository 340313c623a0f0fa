#include "admin/admin_endpoints.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "admin/probes.h"
#include "auth/token.h"
#include "protocol/bounded_json.h"
#include "session/live_session.h"
#include "storage/postgres_storage.h"

namespace brigade::sidecar {

namespace {

constexpr Statement validate_statement{"validate", "SELECT brigade.validate($1::text)::text"};
constexpr Statement diagnostics_statement{"diagnostics", "SELECT brigade.diagnostics()::text"};
constexpr Statement reconcile_statement{"reconcile", "SELECT brigade.reconcile()::text"};
constexpr Statement cancel_deploy_statement{"cancel_deploy",
                                            "SELECT brigade.cancel_deploy()::text"};
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

const std::string empty_object = "{}";

std::vector<std::string> text_arguments(const OrderedJson& arguments) {
  std::vector<std::string> texts;
  for (const OrderedJson& argument : arguments) {
    texts.push_back(argument.is_string() ? argument.get<std::string>() : argument.dump());
  }
  return texts;
}

OrderedJson sql_results(const OrderedJson& rows) {
  OrderedJson columns = OrderedJson::array();
  OrderedJson values = OrderedJson::array();
  for (const OrderedJson& row : rows) {
    OrderedJson& row_values = values.emplace_back(OrderedJson::array());
    for (const auto& [name, value] : row.items()) {
      if (values.size() == 1) columns.push_back(name);
      row_values.push_back(value);
    }
  }
  return {{"success", true}, {"results", {{"columns", columns}, {"rows", values}}}};
}

OrderedJson sql_failure(const std::string& message) {
  OrderedJson nothing{{"columns", OrderedJson::array()}, {"rows", OrderedJson::array()}};
  return {{"success", false}, {"results", nothing}, {"error", message}};
}

/// Compares in a time that depends on the lengths only.
bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

HttpResponse pretty(const OrderedJson& json) {
  return HttpResponse::json(200, json.dump(2) + "\n");
}

HttpResponse data_response(OrderedJson data) {
  return HttpResponse::json(200, OrderedJson{{"data", std::move(data)}}.dump());
}

int64_t wall_clock_ms() {
  using std::chrono::milliseconds;
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

}  // namespace

void AdminEndpoints::add_to(Router& router) {
  add(router, "POST", "/api/admin/v1/diagnostics", &AdminEndpoints::diagnostics);
  add(router, "POST", "/api/admin/v1/reprocess", &AdminEndpoints::reprocess);
  add(router, "POST", "/api/admin/v1/execute-sql", &AdminEndpoints::execute_sql);
  add(router, "GET", "/api/sync-rules/v1/current", &AdminEndpoints::current_rules);
  add(router, "POST", "/api/sync-rules/v1/reprocess", &AdminEndpoints::reprocess_rules);
  add(router, "POST", "/api/admin/v1/schema", &AdminEndpoints::schema);
  add(router, "POST", "/api/admin/v1/validate", &AdminEndpoints::validate);
  add(router, "POST", "/api/sync-rules/v1/validate", &AdminEndpoints::validate_rules);
  add(router, "POST", "/api/sync-rules/v1/deploy", &AdminEndpoints::deploy_rules);
  add(router, "POST", "/api/sync-rules/v1/cancel-deploy", &AdminEndpoints::cancel_deploy);
}

void AdminEndpoints::add(Router& router, const char* method, const char* path, Handle handle) {
  router.add(method, path, [this, handle](const ExchangePointer& exchange) {
    if (!may_enter(exchange->request)) {
      exchange->respond(ProtocolError::authorization("PSYNC_S2101", "Authorization failed"));
      return;
    }
    const std::string& text = exchange->request.body;
    const std::string& body_text = text.empty() ? empty_object : text;
    bool bounded = parse_bounded_json(body_text).has_value();
    Json body = bounded ? Json::parse(body_text) : Json();
    if (!body.is_object()) {
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

void AdminEndpoints::diagnose(const ExchangePointer& exchange,
                              std::function<void(const Json&)> then) {
  query(exchange, diagnostics_statement, {}, [then = std::move(then)](std::string_view json) {
    then(Json::parse(json, nullptr, false));
  });
}

void AdminEndpoints::diagnostics(const ExchangePointer& exchange, const Json& body) {
  auto with_content = body.find("sync_rules_content");
  bool asked = with_content != body.end() && *with_content == true;
  diagnose(exchange, [this, exchange, asked](const Json& diagnostics) {
    std::string uri = public_database_uri(options_.database_uri);
    exchange->respond(data_response(describe_instance(diagnostics, uri, asked)));
  });
}

void AdminEndpoints::current_rules(const ExchangePointer& exchange, const Json&) {
  diagnose(exchange, [exchange](const Json& diagnostics) {
    Json rules = describe_sync_rules(diagnostics);
    if (rules.is_null()) {
      exchange->respond(service_error(422, "PSYNC_S4104", "No active sync config"));
    } else {
      exchange->respond(pretty({{"data", std::move(rules)}}));
    }
  });
}

void AdminEndpoints::reconcile(const ExchangePointer& exchange,
                               std::function<void(const Json&)> then) {
  diagnose(exchange, [this, exchange, then = std::move(then)](const Json& diagnostics) {
    if (!find_config(diagnostics, "processing").is_null()) {
      exchange->respond(
          service_error(409, "PSYNC_S4106", "Busy processing sync config - cannot reprocess"));
      return;
    }
    Json slot_name = diagnostics["status"]["slot_name"];
    query(exchange, reconcile_statement, {},
          [then, slot_name](std::string_view) { then(slot_name); });
  });
}

void AdminEndpoints::reprocess(const ExchangePointer& exchange, const Json&) {
  reconcile(exchange, [exchange](const Json& slot_name) {
    Json connection{{"id", "default"}, {"tag", "default"}, {"slot_name", slot_name}};
    exchange->respond(data_response({{"connections", Json::array({connection})}}));
  });
}

void AdminEndpoints::reprocess_rules(const ExchangePointer& exchange, const Json&) {
  reconcile(exchange, [exchange](const Json& slot_name) {
    exchange->respond(data_response({{"slot_name", slot_name}}));
  });
}

/// Rows become JSON in the database, so that every type has a form.
void AdminEndpoints::execute_sql(const ExchangePointer& exchange, const Json& body) {
  if (!options_.execute_sql) {
    exchange->respond(data_response(sql_failure(
        "execute-sql is disabled: set debug_api of replication.connections[0], or --execute-sql")));
    return;
  }
  auto query = body.find("query");
  if (query == body.end() || !query->is_object() || !(*query)["sql"].is_string()) {
    exchange->respond(ProtocolError::validation("/query/sql: type must be string"));
    return;
  }
  std::string sql = "SELECT coalesce(json_agg(row_to_json(result)), '[]')::text FROM (" +
                    (*query)["sql"].get<std::string>() + "\n) AS result";
  pool_.run_once(std::move(sql), text_arguments(query->value("args", Json::array())),
                 [exchange](const Result<PgResult, StorageError>& result) {
                   exchange->respond(
                       data_response(result ? sql_results(Json::parse(single_text(result->get())))
                                            : sql_failure(result.error().message)));
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
          const char* level = validation.value("valid", false) ? "warning" : "fatal";
          std::string now = iso_time(wall_clock_ms());
          for (const std::string& message : describe_findings(validation)) {
            errors.push_back({{"level", level}, {"message", message}, {"ts", now}});
          }
          exchange->respond(data_response({{"connections", Json::array()}, {"errors", errors}}));
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
          exchange->respond(pretty({{"valid", validation.value("valid", false)},
                                    {"errors", describe_findings(validation)}}));
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

void AdminEndpoints::cancel_deploy(const ExchangePointer& exchange, const Json&) {
  query(exchange, cancel_deploy_statement, {}, [exchange](std::string_view cancelled) {
    exchange->respond(data_response({{"cancelled", cancelled == "true"}}));
  });
}

}  // namespace brigade::sidecar
