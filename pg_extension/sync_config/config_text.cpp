#include "sync_config/config_text.h"

#include <algorithm>
#include <optional>

#include "sync_config/hints.h"

namespace brigade {

ConfigText::ConfigText(std::string_view text) : text_(text) {
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    lines_.push_back(text.substr(start, end - start));
    start = end + 1;
  }
}

void ConfigText::add(Diagnostic::Severity severity, TextPlace place, std::string message,
                     std::string remedy) {
  // A query that several parameter queries go with is compiled with each of them.
  const bool known =
      std::any_of(diagnostics_.begin(), diagnostics_.end(), [&](const Diagnostic& other) {
        return other.line == place.line && other.column == place.column && other.message == message;
      });
  if (known) return;
  diagnostics_.push_back(
      {severity, place.line, place.column, std::move(message), std::move(remedy)});
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
  add(Diagnostic::Severity::error, place_at(position), std::move(message), std::move(remedy));
}

void ConfigText::warning(SourceOffset offset, std::string message, std::string remedy) {
  add(Diagnostic::Severity::warning, place_of(offset), std::move(message), std::move(remedy));
}

void ConfigText::warning(const YAML::Node& node, std::string message, std::string remedy) {
  add(Diagnostic::Severity::warning, place_of(node.Mark()), std::move(message), std::move(remedy));
}

bool ConfigText::has_errors() const {
  return std::any_of(diagnostics_.begin(), diagnostics_.end(), [](const Diagnostic& diagnostic) {
    return diagnostic.severity == Diagnostic::Severity::error;
  });
}

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Goes through the source of a scalar and what YAML made of it side by side: line breaks may have
// become blanks, and quotes hold escapes.
class ScalarWalk {
 public:
  ScalarWalk(std::string_view source, std::string_view content)
      : source_(source), content_(content) {
    const char first = peek();
    if (first == '|' || first == '>') {
      position_ = std::min(source_.find('\n'), source_.size());
    } else if (first == '"' || first == '\'') {
      quote_ = first;
      position_ = 1;
    }
  }

  // Where in the source each character of the content is, and its end.
  std::vector<uint32_t> run() {
    std::vector<uint32_t> positions;
    positions.reserve(content_.size() + 1);
    for (const char c : content_) {
      if (!is_blank(c)) skip_blank();
      positions.push_back(static_cast<uint32_t>(position_));
      if (!is_blank(c)) take(c);
    }
    positions.push_back(static_cast<uint32_t>(position_));
    return positions;
  }

 private:
  char peek(size_t ahead = 0) const {
    return position_ + ahead < source_.size() ? source_[position_ + ahead] : '\0';
  }

  // Blanks, line breaks, and in double quotes what stands for them.
  void skip_blank() {
    constexpr std::string_view escaped_blanks = "ntr \n\r";
    while (!lost_) {
      if (is_blank(peek())) {
        position_++;
      } else if (at_escape() && escaped_blanks.find(peek(1)) != std::string_view::npos) {
        position_ += 2;
      } else {
        return;
      }
    }
  }

  bool at_escape() const { return quote_ == '"' && peek() == '\\'; }

  void take(char c) {
    const bool continued = (c & 0xC0) == 0x80;
    if (lost_ || (continued && escaped_)) return;
    escaped_ = at_escape();
    if (escaped_) {
      const char kind = peek(1);
      position_ += kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2;
    } else if (peek() == c) {
      position_ += quote_ == '\'' && c == '\'' ? 2 : 1;
    } else {
      lost_ = true;
    }
    position_ = std::min(position_, source_.size());
  }

  std::string_view source_;
  std::string_view content_;
  char quote_ = '\0';
  bool escaped_ = false;  // one escape stands for all bytes of a character
  bool lost_ = false;     // the source has something that is not known here, as an anchor
  size_t position_ = 0;
};

}  // namespace

TextPlace ConfigText::place_at(size_t position) const {
  const char* const character = text_.data() + std::min(position, text_.size());
  const auto after = std::upper_bound(
      lines_.begin(), lines_.end(), character,
      [](const char* place, std::string_view line) { return place < line.data(); });
  const auto line = std::prev(after);
  return {static_cast<int>(after - lines_.begin()), static_cast<int>(character - line->data()) + 1};
}

TextPlace ConfigText::place_in(const Query& query, size_t character) const {
  const YAML::Mark mark = query.scalar.Mark();
  if (mark.line < 0 || static_cast<size_t>(mark.line) >= lines_.size()) return place_of(mark);
  const std::string_view line = lines_[mark.line];
  const size_t start =
      static_cast<size_t>(line.data() - text_.data()) + std::min<size_t>(mark.column, line.size());
  if (walked_ != &query) {
    positions_ = ScalarWalk(text_.substr(start), query.scalar.Scalar()).run();
    walked_ = &query;
  }
  return place_at(start + positions_[std::min(character, positions_.size() - 1)]);
}

// The offset after a query's last character is still its own: that is where an end is missed.
SourceOffset ConfigText::add_query(const YAML::Node& scalar) {
  const size_t start =
      queries_.empty() ? 0 : queries_.back().start + queries_.back().scalar.Scalar().size() + 1;
  queries_.push_back({start, scalar});
  walked_ = nullptr;
  return {start};
}

TextPlace ConfigText::place_of(SourceOffset offset) const {
  const auto after =
      std::upper_bound(queries_.begin(), queries_.end(), offset.value,
                       [](size_t value, const Query& query) { return value < query.start; });
  const Query& query = *std::prev(after);
  return place_in(query, offset.value - query.start);
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
      const std::optional<std::string> similar = most_similar(key, known);
      error(entry.first, "unknown key \"" + key + "\" in " + where,
            similar ? "Did you mean " + *similar + "?" : "Use one of: " + list + ".");
    }
    seen.push_back(key);
  }
}

}  // namespace brigade
