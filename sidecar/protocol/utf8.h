#pragma once

#include <string_view>

namespace brigade::sidecar {

/// True if `text` is UTF-8 as Postgres takes it: shortest forms only, no surrogates, no NUL.
bool is_storable_text(std::string_view text);

}  // namespace brigade::sidecar
