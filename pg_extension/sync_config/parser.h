#pragma once

#include <string_view>

#include "sync_config/expression.h"

namespace brigade {

// Parses one query of a stream, a CTE or a bucket definition. Throws QueryError that says what is
// outside the language and what to write instead. Offsets count from `start`.
// Sync streams' grammar: https://docs.powersync.com/sync/grammar/sync-streams/index
Select parse_query(std::string_view query, SourceOffset start = {});

}  // namespace brigade
