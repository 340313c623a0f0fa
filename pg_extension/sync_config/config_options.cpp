#include "sync_config/config_options.h"

#include <array>

#include "sync_config/stream_compiler.h"

namespace brigade {

namespace {

constexpr int newest_edition = 3;

bool read_flag(const YAML::Node& config, const char* key, bool fallback, ConfigText& text) {
  return config[key] ? read_bool(config[key], key, text) : fallback;
}

int read_edition(const YAML::Node& config, ConfigText& text) {
  const YAML::Node node = config["edition"];
  if (!node) return 1;
  int edition = 1;
  if (!YAML::convert<int>::decode(node, edition) || edition < 1 || edition > newest_edition) {
    text.error(node, "unknown edition", "Use edition: 3.");
    return newest_edition;
  }
  return edition;
}

void read_precision(const YAML::Node& config, ConfigText& text, ValueOptions& options) {
  const YAML::Node node = config["timestamp_max_precision"];
  if (!node) return;
  // Postgres keeps microseconds: nanoseconds only pad, which the value conversion does.
  constexpr std::array<std::pair<std::string_view, int>, 4> precisions = {
      {{"seconds", 0}, {"milliseconds", 3}, {"microseconds", 6}, {"nanoseconds", 9}}};
  for (const auto& [name, digits] : precisions) {
    if (!node.IsScalar() || node.Scalar() != name) continue;
    options.timestamp_precision_max = digits;
    return;
  }
  text.error(node, "unknown timestamp_max_precision",
             "Use seconds, milliseconds, microseconds or nanoseconds.");
}

}  // namespace

int read_options(const YAML::Node& config, ConfigText& text, Plan& plan) {
  const bool given = config && config.IsMap();
  if (config && !config.IsMap()) {
    text.error(config, "\"config\" must be a map", "Write options below it, as `edition: 3`.");
  }
  const YAML::Node options = given ? config : YAML::Node(YAML::NodeType::Map);
  text.reject_unknown_keys(options,
                           {"edition", "timestamps_iso8601", "timestamp_max_precision",
                            "versioned_bucket_ids", "fixed_json_extract", "custom_postgres_types",
                            "storage_version", "unstable_sqlite_expression_engine"},
                           "config");
  const int edition = read_edition(options, text);
  const bool fixes = edition >= 2;
  plan.value_options.timestamps_iso8601 = read_flag(options, "timestamps_iso8601", fixes, text);
  plan.value_options.custom_postgres_types =
      read_flag(options, "custom_postgres_types", fixes, text);
  plan.versioned_bucket_ids = read_flag(options, "versioned_bucket_ids", fixes, text);
  text.splits_json_paths = !read_flag(options, "fixed_json_extract", fixes, text);
  read_precision(options, text, plan.value_options);
  return edition;
}

}  // namespace brigade
