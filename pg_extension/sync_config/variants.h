#pragma once

#include <vector>

#include "sync_config/query_graph.h"

namespace brigade {

// One way for a row to be synced: conditions all of which must hold, and the tables they join.
struct Variant {
  std::vector<Expression> conditions;
  std::vector<int> tables;
};

// Takes the conditions of a query apart: each OR that mixes tables or request parameters gives a
// variant per branch, each IN (SELECT ...) joins the subquery's tables. What reads one table only,
// or the request only, stays whole. Throws QueryError.
std::vector<Variant> expand_variants(const QueryGraph& graph, const GraphBuilder& builder);

}  // namespace brigade
