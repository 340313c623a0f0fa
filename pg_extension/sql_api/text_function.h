#pragma once

#include <string>
#include <string_view>

#include "pg/error.h"
#include "pg/server.h"

namespace brigade {

// The bytes of a text argument. Good as long as the function runs.
inline std::string_view text_argument(FunctionCallInfo fcinfo, int index) {
  const Datum datum = fcinfo->args[index].value;
  auto* text = pg::guard([&] { return PG_DETOAST_DATUM_PACKED(datum); });
  return {VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text)};
}

inline Datum text_result(std::string_view text) {
  return pg::guard([&] {
    return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
  });
}

}  // namespace brigade
