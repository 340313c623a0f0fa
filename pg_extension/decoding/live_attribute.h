#pragma once

#include "pg/server.h"

extern "C" {
#include "catalog/pg_attribute.h"
}

namespace brigade {

// Whether an attribute is a column whose values are in the tuples: not dropped, and not generated
// on reading (virtual, since Postgres 18; stored generated columns are columns as any other).
inline bool is_live(const FormData_pg_attribute& attribute) {
  constexpr char generated_virtual = 'v';
  return !attribute.attisdropped && attribute.attgenerated != generated_virtual;
}

}  // namespace brigade
