#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sync_config/compiler.h"
#include "sync_config/expression.h"

namespace brigade {

// The YAML text of a config: tells where in it a node or a character of a scalar is, and collects
// what is found wrong.
class ConfigText {
 public:
  explicit ConfigText(std::string_view text);

  void error(const YAML::Node& node, std::string message, std::string remedy);
  // At a character of a scalar's content.
  void error(const YAML::Node& scalar, SourceOffset offset, std::string message,
             std::string remedy);
  void error(const YAML::Mark& mark, std::string message, std::string remedy);
  void warning(const YAML::Node& node, std::string message, std::string remedy);

  bool has_errors() const;
  std::vector<Diagnostic> take_diagnostics() { return std::move(diagnostics_); }

  // Reports keys of a map that are not among `known`. REQUIRES: node is a map.
  void reject_unknown_keys(const YAML::Node& node, const std::vector<std::string>& known,
                           const std::string& where);

 private:
  struct Place {
    int line;
    int column;
  };
  static Place place_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }
  Place place_of(const YAML::Node& scalar, SourceOffset offset) const;
  Place in_block(const YAML::Mark& mark, int line, int column) const;
  void add(Diagnostic::Severity severity, Place place, std::string message, std::string remedy);

  std::vector<std::string_view> lines_;
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace brigade
