#include "sync_config/config_text.h"

#include <algorithm>

#include "sync_config/utf8.h"

namespace brigade {

ConfigText::ConfigText(std::string_view text) {
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    lines_.push_back(text.substr(start, end - start));
    start = end + 1;
  }
}

namespace {

// A text that repeats some of the config's can hold a NUL, which YAML can escape.
std::string without_nul(std::string text) {
  for (size_t at = text.find('\0'); at != std::string::npos; at = text.find('\0', at)) {
    text.replace(at, 1, "\\0");
  }
  return text;
}

}  // namespace

void ConfigText::add(Diagnostic::Severity severity, TextPlace place, std::string message,
                     std::string remedy) {
  diagnostics_.push_back({severity, place.line, place.column, without_nul(std::move(message)),
                          without_nul(std::move(remedy))});
}

void ConfigText::error(const YAML::Node& node, std::string message, std::string remedy) {
  error(node.Mark(), std::move(message), std::move(remedy));
}

void ConfigText::error(const YAML::Mark& mark, std::string message, std::string remedy) {
  add(Diagnostic::Severity::error, place_of(mark), std::move(message), std::move(remedy));
}

void ConfigText::error(SourceOffset offset, std::string message, std::string remedy) {
  add(Diagnostic::Severity::error, place_of(offset), std::move(message), std::move(remedy));
}

void ConfigText::error_at(size_t position, std::string message, std::string remedy) {
  int line = 0;
  while (position > lines_[line].size()) position -= lines_[line++].size() + 1;
  add(Diagnostic::Severity::error, {line + 1, static_cast<int>(position) + 1}, std::move(message),
      std::move(remedy));
}

void ConfigText::warning(const YAML::Node& node, std::string message, std::string remedy) {
  add(Diagnostic::Severity::warning, place_of(node.Mark()), std::move(message), std::move(remedy));
}

bool ConfigText::has_errors() const {
  return std::any_of(diagnostics_.begin(), diagnostics_.end(), [](const Diagnostic& diagnostic) {
    return diagnostic.severity == Diagnostic::Severity::error;
  });
}

// A block scalar (| or >) begins on the line after its indicator, indented as its first line is.
TextPlace ConfigText::in_block(const YAML::Mark& mark, int line, int column) const {
  size_t first = static_cast<size_t>(mark.line) + 1;
  while (first < lines_.size() &&
         lines_[first].find_first_not_of(" \r") == std::string_view::npos) {
    first++;
  }
  const size_t indent = first < lines_.size() ? lines_[first].find_first_not_of(' ') : 0;
  return {static_cast<int>(first) + 1 + line, static_cast<int>(indent) + 1 + column};
}

TextPlace ConfigText::place_in(const YAML::Node& scalar, size_t character) const {
  const YAML::Mark mark = scalar.Mark();
  const std::string& content = scalar.Scalar();
  const std::string_view before = std::string_view(content).substr(0, character);
  const int line = static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  const int column = static_cast<int>(
      before.size() - (before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1));
  if (mark.line < 0 || static_cast<size_t>(mark.line) >= lines_.size()) return place_of(mark);
  const std::string_view start =
      lines_[mark.line].substr(std::min<size_t>(mark.column, lines_[mark.line].size()));
  if (start.starts_with('|') || start.starts_with('>')) return in_block(mark, line, column);
  const bool quoted = start.starts_with('"') || start.starts_with('\'');
  TextPlace place = place_of(mark);
  place.line += line;
  place.column = (line == 0 ? place.column + (quoted ? 1 : 0) : 1) + column;
  return place;
}

// The offset after a query's last character is still its own: that is where an end is missed.
SourceOffset ConfigText::add_query(const YAML::Node& scalar) {
  const size_t start =
      queries_.empty() ? 0 : queries_.back().start + queries_.back().scalar.Scalar().size() + 1;
  queries_.push_back({start, scalar});
  return {start};
}

TextPlace ConfigText::place_of(SourceOffset offset) const {
  const auto after =
      std::upper_bound(queries_.begin(), queries_.end(), offset.value,
                       [](size_t value, const Query& query) { return value < query.start; });
  const Query& query = *std::prev(after);
  return place_in(query.scalar, offset.value - query.start);
}

void ConfigText::reject_unfit_name(const YAML::Node& name) {
  const std::string& text = name.Scalar();
  if (storable_length(text) == text.size()) return;
  error(name, "a name cannot contain the character NUL", "Remove it.");
}

void ConfigText::reject_unknown_keys(const YAML::Node& node, const std::vector<std::string>& known,
                                     const std::string& where) {
  std::string list;
  for (const std::string& key : known) list += (list.empty() ? "" : ", ") + key;
  std::vector<std::string> seen;
  for (const auto& entry : node) {
    const std::string key = entry.first.Scalar();
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      error(entry.first, "\"" + key + "\" is twice in " + where, "Keep one of them.");
    } else if (std::find(known.begin(), known.end(), key) == known.end()) {
      error(entry.first, "unknown key \"" + key + "\" in " + where, "Use one of: " + list + ".");
    }
    seen.push_back(key);
  }
}

}  // namespace brigade
