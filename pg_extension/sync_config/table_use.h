#pragma once

#include "sync_config/config_text.h"
#include "sync_config/query_graph.h"

namespace brigade {

// Notes in `text` what a query reads of each of its tables, subqueries' tables included.
// REQUIRES: `graph` was built by `builder`.
void add_table_uses(const QueryGraph& graph, const GraphBuilder& builder, ConfigText& text);

}  // namespace brigade
