#pragma once

#include "pg/server.h"

extern "C" {
#include "access/htup.h"
#include "utils/rel.h"
}

namespace brigade {

// For diagnostics that show whole rows: raises unless the caller may read all of the table, and it
// holds rows itself. Server zone.
void require_readable(Relation relation);

// A copy of the row at a place; null if no visible row is there. Server zone: may raise.
HeapTuple fetch_row(Relation relation, ItemPointer row_location);

}  // namespace brigade
