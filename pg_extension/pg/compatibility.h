#pragma once

// Where the server's interfaces differ between major versions. Include it after pg/server.h and the
// headers of what is used.

namespace brigade::pg {

#ifdef EXECUTOR_H
inline void insert_index_entries(ResultRelInfo* target, TupleTableSlot* slot, EState* executor) {
  if (target->ri_NumIndices == 0) return;
#if PG_VERSION_NUM >= 160000
  ExecInsertIndexTuples(target, slot, executor, false, false, nullptr, NIL, false);
#else
  ExecInsertIndexTuples(target, slot, executor, false, false, nullptr, NIL);
#endif
}
#endif

}  // namespace brigade::pg
