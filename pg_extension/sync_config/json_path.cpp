#include "sync_config/json_path.h"

#include <algorithm>
#include <string_view>

#include "sync_config/query_error.h"

namespace brigade {

namespace {

using Kind = Expression::Kind;

constexpr const char* examples = "Write, for example, data ->> 'name' or data ->> '$.items[0]'.";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// The length of a key after its dot, or of an index in brackets; 0: that is neither.
size_t key_length(std::string_view text) {
  if (!text.starts_with('"')) return std::min(text.find_first_of(".["), text.size());
  const size_t end = text.find('"', 1);
  return end == std::string_view::npos ? 0 : end + 1;
}

size_t index_length(std::string_view text) {  // [7], [#], [#-1]
  size_t length = text.starts_with("[#-") ? 3 : text.starts_with("[#") ? 2 : 1;
  const size_t digits = length;
  while (length < text.size() && is_digit(text[length])) length++;
  const bool complete = (length > digits) != (digits == 2);
  return complete && text.substr(length).starts_with(']') ? length + 1 : 0;
}

// SQLite's own reading of a path, which would fail for each row.
bool is_valid(std::string_view path) {
  path.remove_prefix(1);
  while (!path.empty()) {
    const bool key = path.starts_with('.');
    if (!key && !path.starts_with('[')) return false;
    const size_t length = key ? key_length(path.substr(1)) : index_length(path);
    if (length == 0) return false;
    path.remove_prefix(length + (key ? 1 : 0));
  }
  return true;
}

bool is_plain(std::string_view key) {
  return !key.empty() && is_letter(key[0]) &&
         std::all_of(key.begin(), key.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

std::string path_step(std::string_view key) {
  const std::string text(key);
  return is_plain(key) ? "." + text : ".\"" + text + '"';
}

class PathResolver {
 public:
  explicit PathResolver(bool split_at_dots) : split_at_dots_(split_at_dots) {}

  void resolve(Select& select) const {
    for (SelectItem& item : select.items) resolve(item.expression);
    for (FromItem& item : select.from) {
      resolve(item.argument);
      if (item.query) resolve(*item.query);
    }
    for (Expression& condition : select.conditions) resolve(condition);
  }

 private:
  void resolve(Expression& expression) const {
    for (Expression& argument : expression.arguments) resolve(argument);
    if (expression.query) resolve(*expression.query);
    const std::string& name = expression.name;
    const bool access = expression.kind == Kind::binary && name.starts_with("->");
    const bool function = expression.kind == Kind::call && expression.arguments.size() == 2 &&
                          (name == "json_extract" || name == "json_array_length");
    if (!access && !function) return;
    Expression& path = expression.arguments[1];
    require_literal(path);
    // The operators know keys and indexes; functions take nothing but paths.
    if (access && (path.value.is_number() || is_plain(path.value.get<std::string>()))) return;
    path.value = full_path(path);
  }

  static void require_literal(const Expression& path) {
    const bool literal =
        path.kind == Kind::literal && (path.value.is_string() || path.value.is_number_integer());
    if (literal) return;
    throw QueryError(path.offset, "a JSON path must be text or a whole number", examples);
  }

  std::string full_path(const Expression& path) const {
    if (path.value.is_number()) return "$[" + path.value.dump() + "]";
    const auto text = path.value.get<std::string>();
    const bool index = text.starts_with('[') && text.ends_with(']');
    const std::string full = text.starts_with('$') ? text : "$" + (index ? text : keys(text));
    if (is_valid(full)) return full;
    throw QueryError(path.offset, "the JSON path is not valid", examples);
  }

  std::string keys(std::string_view text) const {
    std::string path;
    for (;;) {
      const size_t dot = split_at_dots_ ? text.find('.') : std::string_view::npos;
      path += path_step(text.substr(0, dot));
      if (dot == std::string_view::npos) return path;
      text.remove_prefix(dot + 1);
    }
  }

  bool split_at_dots_;
};

}  // namespace

void resolve_json_paths(Select& select, bool split_at_dots) {
  PathResolver(split_at_dots).resolve(select);
}

}  // namespace brigade
