#include "admin/diagnostics.h"

#include <libpq-fe.h>

#include <memory>

namespace brigade::sidecar {

namespace {

using Json = OrderedJson;

/// The parts of a list with commas, at least one.
std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= text.size();) {
    size_t end = std::min(text.find(',', start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

Json describe_connection(const Json& config, const Json& status, bool in_force) {
  Json connection{{"id", "default"},
                  {"tag", "default"},
                  {"slot_name", status["slot_name"]},
                  {"initial_replication_done", in_force}};
  if (in_force) {
    connection["last_lsn"] = status["lsn"];
    connection["last_keepalive_ts"] = status["committed_at"];
    connection["last_checkpoint_ts"] = status["committed_at"];
    connection["replication_lag_bytes"] = status["lag_bytes"];
    connection["wal_status"] = status["wal_status"];
  }
  connection["tables"] = config["tables"];
  return connection;
}

Json error_entry(const Json& message, const Json& time) {
  return {{"level", "fatal"}, {"message", message}, {"ts", time}};
}

Json describe_config(const Json& diagnostics, const Json& config, bool with_content) {
  const Json& status = diagnostics["status"];
  bool in_force = config["state"] == "active";
  Json errors = Json::array();
  if (!config["error"].is_null()) {
    errors.push_back(error_entry(config["error"], config["deployed_at"]));
  }
  if (in_force && !status["last_error"].is_null()) {
    errors.push_back(error_entry(status["last_error"], status["last_error_at"]));
  }
  Json described;
  if (with_content) described["content"] = config["content"];
  described["connections"] = Json::array({describe_connection(config, status, in_force)});
  if (!in_force) described["progress"] = diagnostics["progress"];
  described["errors"] = std::move(errors);
  return described;
}

Json describe_rules(const Json& diagnostics, std::string_view state) {
  Json config = find_config(diagnostics, state);
  if (config.is_null()) return config;
  Json names = Json::array();
  for (const Json& name : config["streams"]) {
    names.push_back("stream " + name.get<std::string>());
  }
  Json tables = Json::array();
  for (const Json& table : config["tables"]) {
    tables.push_back({{"schema", table["schema"]},
                      {"pattern", table["name"]},
                      {"wildcard", false},
                      {"table", table}});
  }
  return {{"slot_name", diagnostics["status"]["slot_name"]},
          {"content", config["content"]},
          {"valid", true},
          {"bucket_definitions", std::move(names)},
          {"source_tables", std::move(tables)}};
}

}  // namespace

std::string public_database_uri(const std::string& conninfo) {
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(conninfo.c_str(), nullptr), PQconninfoFree);
  std::string hosts;
  std::string ports;
  std::string database;
  for (const PQconninfoOption* option = options.get(); option && option->keyword; option++) {
    if (option->val == nullptr) continue;
    std::string_view keyword = option->keyword;
    if (keyword == "host") hosts = option->val;
    if (keyword == "port") ports = option->val;
    if (keyword == "dbname") database = option->val;
  }
  std::vector<std::string> port_list = split(ports);
  std::string uri;
  for (const std::string& host : split(hosts)) {
    size_t place = static_cast<size_t>(std::count(uri.begin(), uri.end(), ','));
    const std::string& port = port_list[std::min(place + !uri.empty(), port_list.size() - 1)];
    uri += (uri.empty() ? "" : ",") + host + (port.empty() ? "" : ":" + port);
  }
  return "postgresql://" + uri + "/" + database;
}

Json find_config(const Json& diagnostics, std::string_view state) {
  for (const Json& config : diagnostics["configs"]) {
    if (config["state"] == state) return config;
  }
  return nullptr;
}

Json describe_instance(const Json& diagnostics, const std::string& database_uri,
                       bool with_content) {
  Json data{{"connections", Json::array({Json{{"id", "default"},
                                              {"postgres_uri", database_uri},
                                              {"connected", true},
                                              {"errors", Json::array()}}})}};
  Json active = find_config(diagnostics, "active");
  if (!active.is_null()) {
    data["active_sync_rules"] = describe_config(diagnostics, active, with_content);
  }
  for (const char* state : {"processing", "errored"}) {
    Json config = find_config(diagnostics, state);
    if (config.is_null()) continue;
    data["deploying_sync_rules"] = describe_config(diagnostics, config, with_content);
    break;
  }
  return data;
}

Json describe_sync_rules(const Json& diagnostics) {
  Json current = describe_rules(diagnostics, "active");
  Json next = describe_rules(diagnostics, "processing");
  if (current.is_null() && next.is_null()) return nullptr;
  return {{"current", std::move(current)}, {"next", std::move(next)}};
}

std::vector<std::string> describe_findings(const Json& validation) {
  std::vector<std::string> texts;
  for (const Json& finding : validation.value("diagnostics", Json::array())) {
    std::string remedy = finding.value("remedy", "");
    texts.push_back("line " + std::to_string(finding.value("line", 0)) + ", column " +
                    std::to_string(finding.value("column", 0)) + ": " +
                    finding.value("message", "") + (remedy.empty() ? "" : "; " + remedy));
  }
  return texts;
}

}  // namespace brigade::sidecar
