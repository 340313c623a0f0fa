#include "config/setting_table.h"

#include <algorithm>
#include <charconv>

namespace brigade::sidecar {

namespace {

using S = Settings;

constexpr SettingDescription table[] = {
    {"database_uri", "replication.connections[0].uri", &S::database_uri,
     "libpq connection string of the primary; several hosts are allowed", true},
    {"read_database_uri", nullptr, &S::read_database_uri,
     "libpq connection string to read from, such as a hot standby; default: the primary", true},
    {"pool_size", nullptr, &S::pool_size, "connections that read", false, 1, 100},
    {"host", nullptr, &S::host, "address to listen on"},
    {"port", "port", &S::port, "port to listen on; 0 takes any free one", false, 0, 65'535},
    {"tls_certificate", nullptr, &S::tls_certificate_path,
     "PEM file with the certificate chain; turns TLS on"},
    {"tls_key", nullptr, &S::tls_key_path, "PEM file with the certificate's private key"},
    {"exit_on_sync_config_error", "sync_config.exit_on_error", &S::exit_on_sync_config_error,
     "end with status 1 when the sync config cannot be deployed"},
    {"audience", "client_auth.audience", &S::audiences, "accepted `aud` claims of tokens"},
    {"jwks", nullptr, &S::jwks_json, "JSON Web Key Set with keys of clients' tokens", true},
    {"jwks_uri", "client_auth.jwks_uri", &S::jwks_uris, "where to fetch keys of clients' tokens"},
    {"block_local_jwks", "client_auth.block_local_jwks", &S::block_local_jwks,
     "do not fetch keys from private, loopback or link-local addresses"},
    {"supabase", "client_auth.supabase", &S::supabase, "accept tokens of Supabase Auth"},
    {"supabase_jwt_secret", "client_auth.supabase_jwt_secret", &S::supabase_jwt_secret,
     "Supabase's legacy shared secret", true},
    {"token_lifetime_s_max", nullptr, &S::token_lifetime_s_max,
     "longest accepted lifetime of a token, in seconds", false, 60, 10L * 365 * 86'400},
    {"api_tokens", "api.tokens", &S::api_tokens, "bearer tokens of the admin API", true},
    {"execute_sql", "replication.connections[0].debug_api", &S::execute_sql,
     "holders of an API token may run queries with the rights of the sidecar's role"},
    {"connections_max", "api.parameters.max_concurrent_connections", &S::connections_max,
     "sync streams at a time", false, 1, 1'000'000},
    {"buckets_max", "api.parameters.max_buckets_per_connection", &S::buckets_max,
     "buckets a client may sync", false, 1, 1'000'000},
    {"parameter_results_max", "api.parameters.max_parameter_query_results",
     &S::parameter_results_max, "parameter results a client may have", false, 1, 1'000'000},
    {"body_bytes_max", nullptr, &S::body_bytes_max, "size of a request's body", false, 1'024,
     1 << 30},
    {"metrics_port", "telemetry.prometheus_port", &S::metrics_port,
     "port of Prometheus /metrics; 0: none", false, 0, 65'535},
    {"metrics_host", nullptr, &S::metrics_host, "address of Prometheus /metrics"},
    {"log_level", "system.logging.level", &S::log_level,
     "silly, debug, verbose, http, info, warn or error"},
    {"log_format", "system.logging.format", &S::log_format, "text or json"},
};

std::optional<std::string> parse_value(const SettingDescription&, const std::string& text,
                                       std::string& value) {
  value = text;
  return {};
}

std::optional<std::string> parse_value(const SettingDescription& setting, const std::string& text,
                                       int64_t& value) {
  const char* end = text.data() + text.size();
  int64_t parsed = 0;
  auto [stop, status] = std::from_chars(text.data(), end, parsed);
  bool valid = status == std::errc() && stop == end && parsed >= setting.minimum &&
               parsed <= setting.maximum;
  if (!valid) {
    return "'" + text + "' is not a whole number from " + std::to_string(setting.minimum) + " to " +
           std::to_string(setting.maximum);
  }
  value = parsed;
  return {};
}

std::optional<std::string> parse_value(const SettingDescription&, const std::string& text,
                                       bool& value) {
  if (text != "true" && text != "false") return "'" + text + "' is neither true nor false";
  value = text == "true";
  return {};
}

std::optional<std::string> parse_value(const SettingDescription&, const std::string& text,
                                       std::vector<std::string>& value) {
  value.clear();
  for (size_t start = 0; start < text.size();) {
    size_t end = std::min(text.find(',', start), text.size());
    if (end > start) value.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return {};
}

std::string format_value(const std::string& value) { return value; }
std::string format_value(int64_t value) { return std::to_string(value); }
std::string format_value(bool value) { return value ? "true" : "false"; }
std::string format_value(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ",") + value;
  return text;
}

}  // namespace

std::span<const SettingDescription> setting_table() { return table; }

std::string flag_of(const SettingDescription& setting) {
  std::string flag = std::string("--") + setting.name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string variable_of(const SettingDescription& setting) {
  std::string variable = "BRIGADE_";
  for (const char* c = setting.name; *c != 0; c++) {
    variable += *c == '_' ? '_' : static_cast<char>(*c - 'a' + 'A');
  }
  return variable;
}

std::optional<std::string> set_from_text(const SettingDescription& setting, const std::string& text,
                                         Settings& settings) {
  return std::visit([&](auto member) { return parse_value(setting, text, settings.*member); },
                    setting.member);
}

std::string to_text(const SettingDescription& setting, const Settings& settings) {
  return std::visit([&](auto member) { return format_value(settings.*member); }, setting.member);
}

}  // namespace brigade::sidecar
