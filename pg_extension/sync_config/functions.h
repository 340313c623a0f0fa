#pragma once

#include "sync_config/expression.h"

namespace brigade {

// Turns a parsed call into what it means: a request parameter, table metadata or a permitted scalar
// function with a permitted number of arguments. Throws QueryError for all others.
Expression check_call(Expression call);

// token_parameters.x and user_parameters.x of sync rules look like columns, but are of the request.
Expression resolve_request_column(Expression column);

}  // namespace brigade
