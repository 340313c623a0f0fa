#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sync_config/expression.h"

namespace brigade {

struct Token {
  enum class Kind { identifier, quoted_identifier, string, integer, decimal, symbol, end };
  Kind kind;
  std::string text;  // identifiers: lower case unless quoted; strings: without quotes
  SourceOffset offset;
};

// Splits a query into tokens, the last of which is `end`. Comments (-- and /* */) are dropped.
// Offsets count from `start`. Throws QueryError.
std::vector<Token> tokenize(std::string_view query, SourceOffset start);

}  // namespace brigade
