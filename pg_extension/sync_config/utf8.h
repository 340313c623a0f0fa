#pragma once

#include <cstddef>
#include <string_view>

namespace brigade {

// The length of the longest beginning of `text` that is UTF-8 as Postgres takes it: shortest forms
// only, no surrogates, no NUL.
size_t storable_length(std::string_view text);

}  // namespace brigade
