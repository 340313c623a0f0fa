#include "sync_config/hints.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

namespace brigade {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// How many letters must be added, taken away or replaced; upper and lower case are the same.
size_t edit_distance(const std::string& left, const std::string& right) {
  std::vector<size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < left.size(); i++) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < right.size(); j++) {
      const size_t replaced = diagonal + (lower(left[i]) == lower(right[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string remedy_in(const VisibleSource& source, const Expression& column) {
  const std::optional<std::string> similar = most_similar(column.name, source.columns);
  if (similar) return "Did you mean " + source.name + "." + *similar + "?";
  return "\"" + source.name + "\" has " + list_of(source.columns) + ".";
}

// Parameters look like columns to those who leave out the parentheses.
std::optional<std::string> remedy_of_request(const Expression& column) {
  const std::string& of = column.qualifier;
  if (of == "auth" && column.name == "user_id") return "Write auth.user_id().";
  if (of == "auth" || of == "connection" || of == "subscription") {
    return "Write " + of + ".parameter('" + column.name + "').";
  }
  if (of == "request") {
    return "Write request.user_id(), request.jwt() ->> 'claim' or request.parameters() ->> 'name'.";
  }
  if (of == "bucket") {
    return "Only data queries of bucket_definitions with `parameters` have these; in a stream "
           "compare a column with auth.user_id() or subscription.parameter('name').";
  }
  return std::nullopt;
}

// Functions of other databases, and how to do without them.
constexpr std::array<std::pair<std::string_view, const char*>, 18> known_elsewhere = {{
    {"any", "Write column IN auth.parameter('name')."},
    {"concat", "Write a || b."},
    {"date", "Write substring(datetime(x), 1, 10)."},
    {"json_each", "Write column IN (SELECT value FROM json_each(array)), or join it."},
    {"json_extract_path_text", "Write data ->> 'name'."},
    {"jsonb_array_length", "Write json_array_length(data)."},
    {"left", "Write substring(text, 1, length)."},
    {"nullif", "Write CASE WHEN a <> b THEN a END."},
    {"schema", "Write it after a table or alias: todos.schema()."},
    {"strftime", "Write substring() of datetime(x): '2026-01-31 12:00:00'."},
    {"table_name", "Write it after a table or alias: todos.table_name()."},
    {"table_suffix", "Write it after a table or alias: todos.table_suffix()."},
    {"time", "Write substring(datetime(x), 12)."},
    {"to_char", "Write substring() of datetime(x): '2026-01-31 12:00:00'."},
    {"unnest", "Write column IN (SELECT value FROM json_each(array)), or join it."},
    {"user_id", "Write auth.user_id()."},
    {"uid", "Write auth.user_id()."},
    {"parameter", "Write auth.parameter('name') or subscription.parameter('name')."},
}};

}  // namespace

std::optional<std::string> most_similar(const std::string& name,
                                        const std::vector<std::string>& names) {
  size_t best_distance = std::max<size_t>(1, name.size() / 3) + 1;
  std::optional<std::string> best;
  for (const std::string& candidate : names) {
    const size_t distance = edit_distance(name, candidate);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidate;
  }
  return best;
}

std::string remedy_of_column(const Expression& column, const std::vector<VisibleSource>& sources) {
  std::vector<std::string> names;
  for (const VisibleSource& source : sources) {
    const bool only = column.qualifier.empty() && sources.size() == 1;
    if (!source.any_column && (only || source.name == column.qualifier)) {
      return remedy_in(source, column);
    }
    names.push_back(source.name);
  }
  if (const std::optional<std::string> remedy = remedy_of_request(column)) return *remedy;
  const std::optional<std::string> similar = most_similar(column.qualifier, names);
  if (!column.qualifier.empty() && similar)
    return "Did you mean " + *similar + "." + column.name + "?";
  return "Use a column of a table in FROM; text is written in 'single quotes'.";
}

std::string remedy_of_function(const Expression& call, const std::vector<std::string>& known) {
  for (const auto& [name, remedy] : known_elsewhere) {
    if (call.name == name) return remedy;
  }
  const std::optional<std::string> similar = most_similar(call.name, known);
  if (similar) return "Did you mean " + *similar + "()?";
  return "The functions are " + list_of(known) + ".";
}

}  // namespace brigade
