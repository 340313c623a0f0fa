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
  void error(SourceOffset offset, std::string message, std::string remedy);
  void error(const YAML::Mark& mark, std::string message, std::string remedy);
  // At the byte `position` of the whole text.
  void error_at(size_t position, std::string message, std::string remedy);
  void warning(const YAML::Node& node, std::string message, std::string remedy);
  void warning(SourceOffset offset, std::string message, std::string remedy);

  // Makes the text of a scalar known as a query; its first character has the offset returned.
  SourceOffset add_query(const YAML::Node& scalar);
  // How queries are read: whether the keys 'a.b' after ->> are two, or one with a dot.
  bool splits_json_paths = false;

  // REQUIRES: the offset is in a query that was added.
  TextPlace place_of(SourceOffset offset) const;

  bool has_errors() const;
  std::vector<Diagnostic> take_diagnostics() { return std::move(diagnostics_); }

  void add_table_use(TableUse use) { table_uses_.push_back(std::move(use)); }
  std::vector<TableUse> take_table_uses() { return std::move(table_uses_); }

  // Reports keys of a map that are not among `known`. REQUIRES: node is a map.
  void reject_unknown_keys(const YAML::Node& node, const std::vector<std::string>& known,
                           const std::string& where);

 private:
  struct Query {
    size_t start;
    YAML::Node scalar;
  };
  // An empty document has no place of its own: it begins where the text does.
  static TextPlace place_of(const YAML::Mark& mark) {
    return mark.is_null() ? TextPlace{1, 1} : TextPlace{mark.line + 1, mark.column + 1};
  }
  TextPlace place_in(const Query& query, size_t character) const;
  TextPlace place_at(size_t position) const;
  void add(Diagnostic::Severity severity, TextPlace place, std::string message, std::string remedy);

  std::string_view text_;
  std::vector<std::string_view> lines_;
  std::vector<Query> queries_;
  // Where in the text the characters of the query are that was asked for last.
  mutable const Query* walked_ = nullptr;
  mutable std::vector<uint32_t> positions_;
  std::vector<TableUse> table_uses_;
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace brigade
