#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace brigade::sidecar {

/// Keeps members in the order in which they were written: existing tools have seen that order.
using OrderedJson = nlohmann::ordered_json;

/// The connection string as a URI without user, password and parameters.
std::string public_database_uri(const std::string& conninfo);

/// These make the admin API's answers from what `brigade.diagnostics` answered (`diagnostics`).

/// `POST /api/admin/v1/diagnostics`; `database_uri` is shown as it is.
OrderedJson describe_instance(const OrderedJson& diagnostics, const std::string& database_uri,
                              bool with_content);
/// `GET /api/sync-rules/v1/current`; null if no config is in force or in progress.
OrderedJson describe_sync_rules(const OrderedJson& diagnostics);
/// The config in that state; null if there is none.
OrderedJson find_config(const OrderedJson& diagnostics, std::string_view state);

/// "line 3, column 5: what is wrong; what to write" of everything that `brigade.validate` found.
std::vector<std::string> describe_findings(const OrderedJson& validation);

}  // namespace brigade::sidecar
