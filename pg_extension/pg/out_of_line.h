#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace brigade::pg {

// The value that a pointer to out-of-line (TOAST) storage leads to, as Postgres holds it, without
// its length word. `pointer` is the datum as it was in a tuple. Absent if the value is gone: no row
// that anybody may still see has it. REQUIRES: an active snapshot. Throws Error.
std::optional<std::string> fetch_out_of_line(std::string_view pointer);

}  // namespace brigade::pg
