pg_extension/snapshot/backfill.o: pg_extension/snapshot/backfill.cpp \
 pg_extension/snapshot/backfill.h pg_extension/decoding/active_plan.h \
 pg_extension/sync_config/plan.h pg_extension/storage/storage_commit.h \
 pg_extension/decoding/change_message.h \
 pg_extension/decoding/byte_stream.h pg_extension/evaluator/row_effects.h \
 pg_extension/pg/bulk_insert.h pg_extension/storage/bucket_cache.h \
 pg_extension/storage/head.h pg_extension/storage/row_memory.h \
 pg_extension/decoding/relation_cache.h \
 pg_extension/decoding/row_reader.h pg_extension/pg/server.h \
 pg_extension/sync_config/value.h \
 pg_extension/evaluator/table_evaluator.h pg_extension/decoding/subkey.h \
 pg_extension/pg/error.h pg_extension/pg/memory.h \
 pg_extension/pg/table_scan.h
pg_extension/snapshot/backfill.h:
pg_extension/decoding/active_plan.h:
pg_extension/sync_config/plan.h:
pg_extension/storage/storage_commit.h:
pg_extension/decoding/change_message.h:
pg_extension/decoding/byte_stream.h:
pg_extension/evaluator/row_effects.h:
pg_extension/pg/bulk_insert.h:
pg_extension/storage/bucket_cache.h:
pg_extension/storage/head.h:
pg_extension/storage/row_memory.h:
pg_extension/decoding/relation_cache.h:
pg_extension/decoding/row_reader.h:
pg_extension/pg/server.h:
pg_extension/sync_config/value.h:
pg_extension/evaluator/table_evaluator.h:
pg_extension/decoding/subkey.h:
pg_extension/pg/error.h:
pg_extension/pg/memory.h:
pg_extension/pg/table_scan.h:
