#include "config/yaml_file.h"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "config/setting_table.h"

namespace brigade::sidecar {

namespace {

/// Thrown and caught in this file only.
struct ConfigError {
  std::string message;
};

[[noreturn]] void fail(const YAML::Mark& mark, const std::string& message) {
  throw ConfigError{"line " + std::to_string(mark.line + 1) + ", column " +
                    std::to_string(mark.column + 1) + ": " + message};
}

class Reader {
 public:
  Reader(std::string directory, const Environment& environment, Settings& settings)
      : directory_(std::move(directory)), environment_(environment), settings_(settings) {}

  void read(const YAML::Node& root) {
    if (!root.IsMap()) fail(root.Mark(), "the file must be a mapping, such as `port: 8080`");
    walk(root, "");
    settings_.audiences.insert(settings_.audiences.end(), additional_audiences_.begin(),
                               additional_audiences_.end());
    if (settings_.database_uri.empty()) assemble_database_uri();
    add_ssl_options();
  }

 private:
  std::string scalar(const YAML::Node& node) {
    if (!node.IsScalar()) fail(node.Mark(), "a single value is expected here");
    if (node.Tag() != "!env") return node.Scalar();
    const std::string& name = node.Scalar();
    bool allowed = name.starts_with("PS_") || name.starts_with("BRIGADE_");
    if (!allowed)
      fail(node.Mark(), "!env reads only variables whose names begin with PS_ or BRIGADE_");
    auto value = environment_.find(name);
    if (value == environment_.end()) fail(node.Mark(), "the variable " + name + " is not set");
    return value->second;
  }

  void walk(const YAML::Node& node, const std::string& path) {
    for (const auto& member : node) {
      std::string name = member.first.as<std::string>();
      visit(member.second, path.empty() ? name : path + "." + name);
    }
  }

  void visit(const YAML::Node& node, const std::string& path) {
    if (node.IsNull() || read_special(node, path) || read_setting(node, path)) return;
    if (node.IsMap()) {
      walk(node, path);
    } else if (path == "replication.connections" && node.IsSequence()) {
      if (node.size() != 1) fail(node.Mark(), "exactly one connection is supported");
      walk(node[0], path + "[0]");
    } else {
      settings_.unused_keys.push_back(path);
    }
  }

  bool read_setting(const YAML::Node& node, const std::string& path) {
    for (const SettingDescription& setting : setting_table()) {
      if (setting.yaml_path == nullptr || path != setting.yaml_path) continue;
      std::optional<std::string> error = set_from_text(setting, joined(node), settings_);
      if (error) fail(node.Mark(), path + ": " + *error);
      return true;
    }
    return false;
  }

  /// Lists become text with commas, as in a flag.
  std::string joined(const YAML::Node& node) {
    if (!node.IsSequence()) return scalar(node);
    std::string text;
    for (const auto& item : node) text += (text.empty() ? "" : ",") + scalar(item);
    return text;
  }

  bool read_special(const YAML::Node& node, const std::string& path) {
    if (path == "sync_config.content" || path == "sync_rules.content") {
      settings_.sync_config = scalar(node);
    } else if (path == "sync_config.path" || path == "sync_rules.path") {
      settings_.sync_config = read_file(node);
    } else if (path == "sync_rules.exit_on_error") {
      settings_.exit_on_sync_config_error = scalar(node) == "true";
    } else if (path == "client_auth.additional_audiences" && node.IsSequence()) {
      for (const auto& item : node) additional_audiences_.push_back(scalar(item));
    } else if (path == "client_auth.jwks") {
      settings_.jwks_json = to_json(node).dump();
    } else if (path.starts_with("replication.connections[0].") &&
               connection_keys.contains(path.substr(27))) {
      connection_[path.substr(27)] = scalar(node);
    } else {
      return false;
    }
    return true;
  }

  std::string read_file(const YAML::Node& node) {
    std::string path = scalar(node);
    if (!path.starts_with('/')) path = directory_ + "/" + path;
    std::ifstream file(path);
    if (!file) fail(node.Mark(), "cannot read the file " + path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  nlohmann::json to_json(const YAML::Node& node) {
    nlohmann::json value;
    if (node.IsMap()) {
      for (const auto& member : node)
        value[member.first.as<std::string>()] = to_json(member.second);
    } else if (node.IsSequence()) {
      for (const auto& item : node) value.push_back(to_json(item));
    } else {
      value = scalar(node);
    }
    return value;
  }

  /// libpq's keyword/value form quotes with backslashes.
  static std::string quoted(const std::string& value) {
    std::string text = "'";
    for (char c : value) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    return text + "'";
  }

  void assemble_database_uri() {
    static const std::pair<const char*, const char*> names[] = {{"hostname", "host"},
                                                                {"port", "port"},
                                                                {"database", "dbname"},
                                                                {"username", "user"},
                                                                {"password", "password"}};
    for (const auto& [key, keyword] : names) {
      auto value = connection_.find(key);
      if (value == connection_.end()) continue;
      if (!settings_.database_uri.empty()) settings_.database_uri += ' ';
      settings_.database_uri += std::string(keyword) + "=" + quoted(value->second);
    }
  }

  /// `sslmode` beside the URI counts unless the URI has its own.
  void add_ssl_options() {
    auto mode = connection_.find("sslmode");
    std::string& uri = settings_.database_uri;
    if (mode == connection_.end() || uri.empty() || uri.find("sslmode=") != std::string::npos)
      return;
    if (uri.find("://") == std::string::npos) {
      uri += " sslmode=" + quoted(mode->second);
    } else {
      uri += (uri.find('?') == std::string::npos ? "?sslmode=" : "&sslmode=") + mode->second;
    }
  }

  inline static const std::set<std::string> connection_keys{
      "type", "hostname", "port", "database", "username", "password", "sslmode", "id", "tag"};

  std::string directory_;
  const Environment& environment_;
  Settings& settings_;
  std::map<std::string, std::string> connection_;
  std::vector<std::string> additional_audiences_;
};

}  // namespace

std::optional<std::string> read_yaml(const std::string& text, const std::string& directory,
                                     const Environment& environment, Settings& settings) {
  try {
    Reader(directory, environment, settings).read(YAML::Load(text));
    return {};
  } catch (const ConfigError& error) {
    return error.message;
  } catch (const YAML::Exception& error) {
    return std::string(error.what());
  }
}

}  // namespace brigade::sidecar
