#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "result.h"

namespace brigade::sidecar {

/// Everything that can be set. docs/settings.md describes every member for operators.
struct Settings {
  std::string database_uri;       ///< libpq connection string, the primary
  std::string read_database_uri;  ///< where to read; empty: the primary
  int64_t pool_size = 4;          ///< connections that read; 1 … 100
  std::string host = "0.0.0.0";
  int64_t port = 8080;  ///< 0: any free one
  std::string tls_certificate_path;
  std::string tls_key_path;

  std::string sync_config;  ///< YAML text to deploy at the start; empty: none
  bool exit_on_sync_config_error = false;

  std::vector<std::string> audiences;
  std::string jwks_json;  ///< keys in the configuration, a JSON Web Key Set
  std::vector<std::string> jwks_uris;
  bool block_local_jwks = false;
  bool supabase = false;
  std::string supabase_jwt_secret;
  int64_t token_lifetime_s_max = 86'400;

  std::vector<std::string> api_tokens;
  bool execute_sql = false;  ///< whether their holders may run queries
  int64_t connections_max = 10'000;
  int64_t buckets_max = 10'000;
  int64_t parameter_results_max = 10'000;
  int64_t body_bytes_max = 1'048'576;

  int64_t metrics_port = 0;  ///< 0: none
  std::string metrics_host = "0.0.0.0";
  std::string log_level = "info";
  std::string log_format = "text";

  /// Where the settings were read from; empty: no file.
  std::string file_path;
  /// Keys of the file that mean nothing here.
  std::vector<std::string> unused_keys;
};

/// Reads environment variables; injected for tests.
using Environment = std::map<std::string, std::string>;

/// What the command line asks for.
struct CommandLine {
  enum class Action { run, check, print_config, show_help, show_version };
  Action action = Action::run;
  std::string help;
};

/// Settings from, in rising precedence: defaults, the file, BRIGADE_… variables, flags.
/// An error names the place and the remedy.
Result<Settings, std::string> load_settings(const std::vector<std::string>& arguments,
                                            const Environment& environment,
                                            CommandLine& command_line);

/// All settings as YAML, secrets hidden.
std::string print_settings(const Settings& settings);

}  // namespace brigade::sidecar
