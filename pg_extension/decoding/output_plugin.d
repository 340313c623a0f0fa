pg_extension/decoding/output_plugin.o: \
 pg_extension/decoding/output_plugin.cpp \
 pg_extension/decoding/output_plugin.h pg_extension/decoding/decoder.h \
 pg_extension/decoding/change_message.h \
 pg_extension/decoding/byte_stream.h pg_extension/evaluator/row_effects.h \
 pg_extension/decoding/relation_cache.h \
 pg_extension/decoding/active_plan.h pg_extension/sync_config/plan.h \
 pg_extension/decoding/row_reader.h pg_extension/pg/server.h \
 pg_extension/sync_config/value.h \
 pg_extension/evaluator/table_evaluator.h pg_extension/pg/memory.h \
 pg_extension/pg/error.h
pg_extension/decoding/output_plugin.h:
pg_extension/decoding/decoder.h:
pg_extension/decoding/change_message.h:
pg_extension/decoding/byte_stream.h:
pg_extension/evaluator/row_effects.h:
pg_extension/decoding/relation_cache.h:
pg_extension/decoding/active_plan.h:
pg_extension/sync_config/plan.h:
pg_extension/decoding/row_reader.h:
pg_extension/pg/server.h:
pg_extension/sync_config/value.h:
pg_extension/evaluator/table_evaluator.h:
pg_extension/pg/memory.h:
pg_extension/pg/error.h:
