#include "pg/out_of_line.h"

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "access/detoast.h"
#include "access/relation.h"
#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
}

namespace brigade::pg {

namespace {

// Null if the table that holds it is gone. Raises "data corrupted" if only the value is.
varlena* fetch(varlena* pointer) {
  varatt_external place;
  VARATT_EXTERNAL_GET_POINTER(place, pointer);
  Relation table = try_relation_open(place.va_toastrelid, AccessShareLock);
  if (table == nullptr) return nullptr;
  relation_close(table, NoLock);
  return detoast_attr(pointer);
}

// A subtransaction, because an ERROR is how the server says that a value is gone.
varlena* fetch_if_there(varlena* pointer) {
  MemoryContext context = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  varlena* volatile value = nullptr;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(context);
  PG_TRY();
  {
    value = fetch(pointer);
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    if (geterrcode() != ERRCODE_DATA_CORRUPTED) PG_RE_THROW();
    MemoryContextSwitchTo(context);
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
  }
  PG_END_TRY();
  MemoryContextSwitchTo(context);
  CurrentResourceOwner = owner;
  return value;
}

}  // namespace

std::optional<std::string> fetch_out_of_line(std::string_view pointer) {
  const varlena* value = guard([&] {
    auto* aligned = static_cast<varlena*>(palloc(pointer.size()));
    memcpy(aligned, pointer.data(), pointer.size());
    return fetch_if_there(aligned);
  });
  if (value == nullptr) return std::nullopt;
  return std::string(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

}  // namespace brigade::pg
