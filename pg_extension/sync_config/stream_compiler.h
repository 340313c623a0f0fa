#pragma once

#include <set>
#include <string>
#include <vector>

#include "sync_config/config_text.h"
#include "sync_config/plan.h"
#include "sync_config/query_graph.h"

namespace brigade {

// Adds compiled queries to a plan; equal definitions are shared.
class PlanBuilder {
 public:
  PlanBuilder(ConfigText& text, Plan& plan) : text_(text), plan_(plan) {}

  // Compiles a parsed query, whose text is the scalar `node`, into `stream`. The n-th new source of
  // a stream is named `name|n`; of sync rules (`plain_names`) just `name`. Reports what is wrong.
  // True: what a client gets by it may depend on parameters of its choice, and not on its token.
  bool add_query(const YAML::Node& node, const Select& select, const CommonTables& common_tables,
                 Stream& stream, bool plain_names);

 private:
  uint32_t add_definition(Definition definition);
  bool add_variant(const YAML::Node& node, const QueryGraph& graph, const struct Variant& variant,
                   Stream& stream, bool plain_names);
  void warn_of_unlinked_lookups(const YAML::Node& node, const struct CompiledVariant& compiled);

  ConfigText& text_;
  Plan& plan_;
};

// Parses the query in a scalar; reports what is wrong and returns null then.
std::shared_ptr<Select> parse_scalar(const YAML::Node& node, ConfigText& text);

// Warns of a stream or bucket definition for which add_query() returned true.
void warn_of_client_parameters(const YAML::Node& name, const std::string& what, ConfigText& text);

// A node that is one scalar, or a list of scalars; others are reported.
std::vector<YAML::Node> scalars_of(const YAML::Node& node, ConfigText& text);

// The `streams:` block, with the config's global `with:`.
void compile_streams(const YAML::Node& streams, const YAML::Node& global_with, ConfigText& text,
                     Plan& plan);

// Reads `with:` of the config, or of a stream beside that. Common tables that are wrong are
// reported and left out.
CommonTables read_common_tables(const YAML::Node& with, const CommonTables& global,
                                ConfigText& text);

// False by default.
bool read_bool(const YAML::Node& node, const char* key, ConfigText& text);

// 0 to 3, or `fallback`.
int read_priority(const YAML::Node& node, int fallback, ConfigText& text);

}  // namespace brigade
