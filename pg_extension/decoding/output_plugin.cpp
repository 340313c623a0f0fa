#include "decoding/output_plugin.h"

#include "pg/error.h"

extern "C" {
#include "replication/logical.h"
#include "replication/origin.h"
#include "replication/output_plugin.h"
}

namespace brigade {

namespace {

Decoder* plugin_decoder = nullptr;

}  // namespace

void set_plugin_decoder(Decoder* decoder) { plugin_decoder = decoder; }

namespace {

extern "C" void plugin_startup(LogicalDecodingContext*, OutputPluginOptions* options, bool) {
  // pg_upgrade makes the slot anew, for the worker to come.
  if (plugin_decoder == nullptr && !IsBinaryUpgrade) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the output plugin pg_brigade serves only its own worker"),
                    errhint("Deploy a sync config with brigade.deploy(); the worker creates and "
                            "reads its slot by itself.")));
  }
  options->output_type = OUTPUT_PLUGIN_BINARY_OUTPUT;
  options->receive_rewrites = false;
}

extern "C" void plugin_begin(LogicalDecodingContext*, ReorderBufferTXN*) {}

extern "C" void plugin_change(LogicalDecodingContext*, ReorderBufferTXN*, Relation relation,
                              ReorderBufferChange* change) {
  pg::edge([&] { plugin_decoder->change(relation, *change); });
}

extern "C" void plugin_truncate(LogicalDecodingContext*, ReorderBufferTXN*, int count,
                                Relation relations[], ReorderBufferChange*) {
  pg::edge([&] { plugin_decoder->truncate(count, relations); });
}

extern "C" void plugin_commit(LogicalDecodingContext*, ReorderBufferTXN* transaction,
                              XLogRecPtr commit_lsn) {
  pg::edge([&] {
    plugin_decoder->transaction_end({commit_lsn, transaction->end_lsn}, transaction->xid);
  });
}

// The worker's own writes, marked with the origin meant for changes nobody should replicate, never
// enter the reorder buffer.
extern "C" bool plugin_filter_by_origin(LogicalDecodingContext*, RepOriginId origin) {
  return origin == DoNotReplicateId;
}

}  // namespace

}  // namespace brigade

extern "C" PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks* callbacks) {
  callbacks->startup_cb = brigade::plugin_startup;
  callbacks->begin_cb = brigade::plugin_begin;
  callbacks->change_cb = brigade::plugin_change;
  callbacks->truncate_cb = brigade::plugin_truncate;
  callbacks->commit_cb = brigade::plugin_commit;
  callbacks->filter_by_origin_cb = brigade::plugin_filter_by_origin;
}
