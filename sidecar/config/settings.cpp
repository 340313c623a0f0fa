#include "config/settings.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "auth/base64.h"
#include "config/setting_table.h"
#include "config/yaml_file.h"

namespace brigade::sidecar {

namespace {

struct Flags {
  std::string config_path;
  std::string config_base64;
  std::string sync_config_path;
  std::map<std::string, std::string> values;  ///< by setting name
  bool check = false;
  bool print_config = false;
  bool version = false;
};

std::string lookup(const Environment& environment, const std::string& name) {
  auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

std::optional<std::string> slurp(const std::string& path) {
  std::ifstream file(path);
  if (!file) return {};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Empty when the arguments are understood and ask for no help.
std::optional<std::string> parse_flags(const std::vector<std::string>& arguments, Flags& flags,
                                       CommandLine& command_line) {
  CLI::App app("Streams the buckets of pg_brigade to PowerSync clients.", "brigade-sidecar");
  app.add_option("-c,--config,--config-path", flags.config_path, "service.yaml to read");
  app.add_option("--config-base64", flags.config_base64, "service.yaml in base64");
  app.add_option("--sync-config", flags.sync_config_path, "file to deploy at the start");
  app.add_flag("--check", flags.check, "check the configuration and end");
  app.add_flag("--print-config", flags.print_config, "print the configuration and end");
  app.add_flag("--version", flags.version, "print the version and end");
  for (const SettingDescription& setting : setting_table()) {
    app.add_option(flag_of(setting), flags.values[setting.name],
                   std::string(setting.help) + " [" + variable_of(setting) + "]");
  }
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    command_line.action = CommandLine::Action::show_help;
    command_line.help = app.help();
  } catch (const CLI::ParseError& error) {
    return std::string(error.what()) + "; see --help";
  }
  return {};
}

std::optional<std::string> read_config_file(const Flags& flags, const Environment& environment,
                                            Settings& settings) {
  std::string path = flags.config_path;
  if (path.empty()) path = lookup(environment, "BRIGADE_CONFIG");
  if (path.empty()) path = lookup(environment, "POWERSYNC_CONFIG_PATH");
  std::string base64 = flags.config_base64;
  if (base64.empty()) base64 = lookup(environment, "POWERSYNC_CONFIG_B64");
  if (!base64.empty()) {
    std::optional<std::string> text = decode_base64(base64);
    if (!text) return "the base64 configuration is not valid base64";
    return read_yaml(*text, ".", environment, settings);
  }
  if (path.empty()) return {};
  std::optional<std::string> text = slurp(path);
  if (!text) return "cannot read " + path + "; name the file with --config";
  settings.file_path = path;
  std::string directory = std::filesystem::absolute(path).parent_path();
  std::optional<std::string> error = read_yaml(*text, directory, environment, settings);
  if (error) return path + ": " + *error;
  return {};
}

std::optional<std::string> read_overrides(const Flags& flags, const Environment& environment,
                                          Settings& settings) {
  for (const SettingDescription& setting : setting_table()) {
    std::string variable = variable_of(setting);
    if (std::string text = lookup(environment, variable); !text.empty()) {
      if (auto error = set_from_text(setting, text, settings)) return variable + ": " + *error;
    }
    if (const std::string& text = flags.values.at(setting.name); !text.empty()) {
      if (auto error = set_from_text(setting, text, settings)) {
        return flag_of(setting) + ": " + *error;
      }
    }
  }
  if (flags.sync_config_path.empty()) return {};
  std::optional<std::string> text = slurp(flags.sync_config_path);
  if (!text) return "--sync-config: cannot read " + flags.sync_config_path;
  settings.sync_config = *text;
  return {};
}

std::optional<std::string> check_settings(const Settings& settings) {
  if (settings.database_uri.empty()) {
    return "no database: set replication.connections[0].uri in the file, or --database-uri";
  }
  bool has_keys = !settings.jwks_json.empty() || !settings.jwks_uris.empty() || settings.supabase;
  if (!has_keys) {
    return "no key to verify tokens with: set client_auth.jwks, jwks_uri or supabase";
  }
  if (settings.audiences.empty() && !settings.supabase) {
    return "no accepted audience: set client_auth.audience, or --audience";
  }
  if (settings.tls_certificate_path.empty() != settings.tls_key_path.empty()) {
    return "TLS needs both --tls-certificate and --tls-key";
  }
  if (settings.log_format != "text" && settings.log_format != "json") {
    return "log_format: '" + settings.log_format + "' is neither text nor json";
  }
  return {};
}

}  // namespace

Result<Settings, std::string> load_settings(const std::vector<std::string>& arguments,
                                            const Environment& environment,
                                            CommandLine& command_line) {
  Flags flags;
  Settings settings;
  std::optional<std::string> error = parse_flags(arguments, flags, command_line);
  if (error) return *error;
  if (command_line.action == CommandLine::Action::show_help) return settings;
  if (flags.version) {
    command_line.action = CommandLine::Action::show_version;
    return settings;
  }
  if (flags.check) command_line.action = CommandLine::Action::check;
  if (flags.print_config) command_line.action = CommandLine::Action::print_config;
  error = read_config_file(flags, environment, settings);
  if (!error) error = read_overrides(flags, environment, settings);
  if (!error) error = check_settings(settings);
  if (error) return *error;
  return settings;
}

std::string print_settings(const Settings& settings) {
  std::string text;
  for (const SettingDescription& setting : setting_table()) {
    std::string value = to_text(setting, settings);
    bool hidden = setting.secret && !value.empty();
    text += std::string(setting.name) + ": " + (hidden ? "(hidden)" : "\"" + value + "\"") + "\n";
  }
  return text;
}

}  // namespace brigade::sidecar
