#pragma once

#include "sync_config/expression.h"

namespace brigade {

// Checks the paths of ->, ->> and the JSON functions in a query, and writes them such that every
// version of SQLite reads them alike: a path that does not start with $ names one key, dots and
// all, or, if `split_at_dots`, a key in each object. Throws QueryError.
void resolve_json_paths(Select& select, bool split_at_dots);

}  // namespace brigade
