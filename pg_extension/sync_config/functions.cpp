#include "sync_config/functions.h"

#include <array>
#include <string_view>

#include "sync_config/hints.h"
#include "sync_config/query_error.h"

namespace brigade {

namespace {

using Kind = Expression::Kind;

struct Function {
  std::string_view name;
  size_t arguments_min;
  size_t arguments_max;
};

// Deterministic functions only: the client must get the same answer as the server, at any time.
constexpr std::array<Function, 22> functions = {{
    {"base64", 1, 1},
    {"datetime", 1, 8},
    {"hex", 1, 1},
    {"ifnull", 2, 2},
    {"iif", 3, 3},
    {"instr", 2, 2},
    {"json_array_length", 1, 2},
    {"json_extract", 2, 2},
    {"json_keys", 1, 1},
    {"json_valid", 1, 1},
    {"length", 1, 1},
    {"lower", 1, 1},
    {"st_asgeojson", 1, 1},
    {"st_astext", 1, 1},
    {"st_x", 1, 1},
    {"st_y", 1, 1},
    {"substring", 2, 3},
    {"typeof", 1, 1},
    {"unixepoch", 1, 8},
    {"upper", 1, 1},
    {"uuid_blob", 1, 1},
    {"coalesce", 2, 20},
}};

constexpr const char* keep_time_remedy =
    "Filter by time on the client, or sync a column that a job keeps up to date.";

[[noreturn]] void reject_function(const Expression& call) {
  for (const std::string_view name :
       {"count", "sum", "avg", "min", "max", "total", "group_concat", "string_agg", "array_agg",
        "json_agg", "jsonb_agg", "json_group_array", "json_group_object"}) {
    if (call.name != name) continue;
    throw QueryError(call.offset, "aggregate function " + call.name + "() is not supported",
                     "Aggregate on the client; a synced row comes from one row.");
  }
  for (const std::string_view name : {"row_number", "rank", "dense_rank", "lag", "lead"}) {
    if (call.name != name) continue;
    throw QueryError(call.offset, "window function " + call.name + "() is not supported",
                     "Number rows on the client; a synced row comes from one row.");
  }
  for (const std::string_view name : {"now", "random", "gen_random_uuid", "julianday"}) {
    if (call.name != name) continue;
    throw QueryError(call.offset, call.name + "() is not supported", keep_time_remedy);
  }
  std::vector<std::string> known;
  for (const Function& function : functions) known.emplace_back(function.name);
  throw QueryError(call.offset, "unknown function " + call.name + "()",
                   remedy_of_function(call, known));
}

const Function& find_function(const Expression& call) {
  for (const Function& function : functions) {
    if (function.name == call.name) return function;
  }
  reject_function(call);
}

bool is_literal_text(const Expression& expression, std::string_view text) {
  return expression.kind == Kind::literal && expression.value.is_string() &&
         expression.value.get_ref<const std::string&>() == text;
}

// Times must not depend on when or where they are computed.
void check_time(const Expression& call) {
  if (is_literal_text(call.arguments[0], "now")) {
    throw QueryError(call.arguments[0].offset, "the time 'now' is not supported", keep_time_remedy);
  }
  for (size_t i = 1; i < call.arguments.size(); i++) {
    const Expression& modifier = call.arguments[i];
    const bool known = modifier.kind == Kind::literal && modifier.value.is_string() &&
                       !is_literal_text(modifier, "localtime") && !is_literal_text(modifier, "utc");
    if (known) continue;
    throw QueryError(modifier.offset, "this modifier of " + call.name + "() is not supported",
                     "Use text literals such as 'unixepoch', 'subsec' or '+1 day'; times are UTC.");
  }
}

Expression check_scalar(Expression call) {
  if (call.name == "substr") call.name = "substring";
  const Function& function = find_function(call);
  const size_t count = call.arguments.size();
  if (count < function.arguments_min || count > function.arguments_max) {
    throw QueryError(call.offset, call.name + "() has the wrong number of arguments",
                     "Give it " + std::to_string(function.arguments_min) +
                         (function.arguments_max > function.arguments_min
                              ? " to " + std::to_string(function.arguments_max)
                              : "") +
                         ".");
  }
  if (call.name == "datetime" || call.name == "unixepoch") check_time(call);
  return call;
}

Expression request_value(const Expression& call, std::string name, std::string key) {
  Expression result;
  result.kind = Kind::request;
  result.name = std::move(name);
  result.key = std::move(key);
  result.offset = call.offset;
  return result;
}

std::string literal_key(const Expression& call) {
  if (call.arguments.size() == 1 && call.arguments[0].kind == Kind::literal &&
      call.arguments[0].value.is_string()) {
    return call.arguments[0].value.get<std::string>();
  }
  const bool name = call.arguments.size() == 1 && call.arguments[0].kind == Kind::column;
  throw QueryError(call.offset, call.qualifier + "." + call.name + "() needs one text literal",
                   "Write the name in 'single quotes': " + call.qualifier + ".parameter('" +
                       (name ? call.arguments[0].name : "name") + "').");
}

void require_no_arguments(const Expression& call) {
  if (call.arguments.empty()) return;
  throw QueryError(call.offset, call.qualifier + "." + call.name + "() takes no arguments",
                   call.name == "parameters"
                       ? "Write " + call.qualifier + ".parameter('name') for one of them."
                       : "Leave the parentheses empty.");
}

// auth.*, connection.* and subscription.* of streams.
Expression check_stream_request(const Expression& call) {
  if (call.qualifier == "auth" && call.name == "user_id") {
    require_no_arguments(call);
    return request_value(call, "user_id", {});
  }
  if (call.name == "parameter") {
    const std::string key = literal_key(call);
    // The claim `sub` is the user id, also when the token has it as a number.
    if (call.qualifier == "auth" && key == "sub") return request_value(call, "user_id", {});
    return request_value(call, call.qualifier, key);
  }
  if (call.name == "parameters") {
    require_no_arguments(call);
    return request_value(call, call.qualifier, {});
  }
  throw QueryError(call.offset, "unknown function " + call.qualifier + "." + call.name + "()",
                   std::string("Use ") + (call.qualifier == "auth" ? "auth.user_id(), " : "") +
                       call.qualifier + ".parameter('name') or " + call.qualifier +
                       ".parameters().");
}

// request.* of sync rules.
Expression check_rules_request(const Expression& call) {
  require_no_arguments(call);
  if (call.name == "user_id") return request_value(call, "user_id", {});
  if (call.name == "jwt") return request_value(call, "auth", {});
  if (call.name == "parameters") return request_value(call, "connection", {});
  throw QueryError(call.offset, "unknown function request." + call.name + "()",
                   "Use request.user_id(), request.jwt() or request.parameters().");
}

bool is_metadata(const Expression& call) {
  return call.name == "schema" || call.name == "table_name" || call.name == "table_suffix";
}

}  // namespace

Expression check_call(Expression call) {
  if (call.qualifier.empty()) return check_scalar(std::move(call));
  if (call.qualifier == "auth" || call.qualifier == "connection" ||
      call.qualifier == "subscription") {
    return check_stream_request(call);
  }
  if (call.qualifier == "request") return check_rules_request(call);
  if (is_metadata(call)) {
    require_no_arguments(call);
    call.kind = Kind::metadata;
    return call;
  }
  throw QueryError(call.offset, "unknown function " + call.qualifier + "." + call.name + "()",
                   "A table has schema(), table_name() and table_suffix(); others stand alone.");
}

namespace {

// Older tokens have the app's own claims in an object of the claim "parameters".
Expression custom_claim(const Expression& column) {
  Expression result;
  result.kind = Kind::binary;
  result.name = "->>";
  result.offset = column.offset;
  result.arguments.push_back(request_value(column, "auth", "parameters"));
  Expression& key = result.arguments.emplace_back();
  key.value = column.name;
  key.offset = column.offset;
  return result;
}

}  // namespace

Expression resolve_request_column(Expression column) {
  if (column.qualifier == "token_parameters") {
    if (column.name == "user_id") return request_value(column, "user_id", {});
    return custom_claim(column);
  }
  if (column.qualifier == "user_parameters") {
    return request_value(column, "connection", column.name);
  }
  return column;
}

}  // namespace brigade
