#include "sql_api/table_access.h"

extern "C" {
#include "access/tableam.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "utils/acl.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
}

namespace brigade {

void require_readable(Relation relation) {
  const char kind = relation->rd_rel->relkind;
  if (kind != RELKIND_RELATION && kind != RELKIND_MATVIEW) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("\"%s\" holds no rows itself", RelationGetRelationName(relation)),
                    errhint("For a partitioned table, give the row's tableoid as the table.")));
  }
  const Oid table = RelationGetRelid(relation);
  const AclResult access = pg_class_aclcheck(table, GetUserId(), ACL_SELECT);
  if (access != ACLCHECK_OK) {
    aclcheck_error(access, get_relkind_objtype(kind), RelationGetRelationName(relation));
  }
  if (check_enable_rls(table, InvalidOid, false) == RLS_ENABLED) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("row security hides rows of \"%s\" from you",
                           RelationGetRelationName(relation))));
  }
}

HeapTuple fetch_row(Relation relation, ItemPointer row_location) {
  TableScanDesc scan = table_beginscan_tid(relation, GetActiveSnapshot());
  TupleTableSlot* slot = table_slot_create(relation, nullptr);
  HeapTuple tuple = nullptr;
  if (table_tuple_tid_valid(scan, row_location) &&
      table_tuple_fetch_row_version(relation, row_location, GetActiveSnapshot(), slot)) {
    tuple = ExecCopySlotHeapTuple(slot);
  }
  ExecDropSingleTupleTableSlot(slot);
  table_endscan(scan);
  return tuple;
}

}  // namespace brigade
