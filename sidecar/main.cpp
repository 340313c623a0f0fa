#include <spdlog/spdlog.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "metrics/log.h"
#include "server.h"

extern char** environ;

namespace {

using brigade::sidecar::CommandLine;

brigade::sidecar::Environment read_environment() {
  brigade::sidecar::Environment environment;
  for (char** entry = environ; *entry != nullptr; entry++) {
    std::string_view text(*entry);
    size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return environment;
}

int run(const brigade::sidecar::Settings& settings, const std::vector<std::string>& words) {
  auto reload = [&words]() -> std::optional<brigade::sidecar::Settings> {
    CommandLine ignored;
    auto fresh = brigade::sidecar::load_settings(words, read_environment(), ignored);
    if (fresh) return *fresh;
    spdlog::error("the old settings stay: {}", fresh.error());
    return {};
  };
  brigade::sidecar::set_up_log(settings.log_level, settings.log_format);
  for (const std::string& key : settings.unused_keys) {
    spdlog::warn("{}: '{}' has no meaning here and is ignored", settings.file_path, key);
  }
  return brigade::sidecar::Server(settings, reload).run();
}

}  // namespace

int main(int argument_count, char** arguments) {
  CommandLine command_line;
  std::vector<std::string> words(arguments + 1, arguments + argument_count);
  auto settings = brigade::sidecar::load_settings(words, read_environment(), command_line);
  if (!settings) {
    std::fprintf(stderr, "brigade-sidecar: %s\n", settings.error().c_str());
    return 2;
  }
  switch (command_line.action) {
    case CommandLine::Action::run:
      return run(*settings, words);
    case CommandLine::Action::show_help:
      std::printf("%s", command_line.help.c_str());
      break;
    case CommandLine::Action::show_version:
      std::printf("brigade-sidecar %s\n", BRIGADE_VERSION);
      break;
    case CommandLine::Action::check:
      std::printf("the configuration is valid\n");
      break;
    case CommandLine::Action::print_config:
      std::printf("%s", brigade::sidecar::print_settings(*settings).c_str());
      break;
  }
  return 0;
}
