#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "config/settings.h"

namespace brigade::sidecar {

/// One setting: its flag is `--name-with-dashes`, its variable BRIGADE_NAME_WITH_UNDERSCORES, and
/// its place in the file the dotted `yaml_path`.
struct SettingDescription {
  using Member = std::variant<std::string Settings::*, int64_t Settings::*, bool Settings::*,
                              std::vector<std::string> Settings::*>;
  const char* name;
  const char* yaml_path;  ///< null: not in the file
  Member member;
  const char* help;
  bool secret = false;
  int64_t minimum = 0;
  int64_t maximum = INT64_MAX;
};

std::span<const SettingDescription> setting_table();
std::string flag_of(const SettingDescription& setting);
std::string variable_of(const SettingDescription& setting);
/// Lists are separated by commas. The answer is an error text, or nothing.
std::optional<std::string> set_from_text(const SettingDescription& setting, const std::string& text,
                                         Settings& settings);
/// The value as text, lists joined by commas.
std::string to_text(const SettingDescription& setting, const Settings& settings);

}  // namespace brigade::sidecar
