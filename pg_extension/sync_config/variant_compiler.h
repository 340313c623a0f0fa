#pragma once

#include <vector>

#include "sync_config/plan.h"
#include "sync_config/query_graph.h"
#include "sync_config/variants.h"

namespace brigade {

// What one variant of a query becomes. Step::definition is an index into `lookups`.
struct CompiledVariant {
  Definition source;
  std::vector<Definition> lookups;
  Querier querier;
  // Which parameters of the request decide: for the check that clients cannot choose freely.
  bool reads_auth = false;
  bool reads_client_parameters = false;
};

// Values that must be equal (columns, request parameters) become one variable. Starting from what
// the request tells, each table gives the values of more variables, until the key of the result
// table is known. Throws QueryError.
CompiledVariant compile_variant(const QueryGraph& graph, const Variant& variant);

}  // namespace brigade
