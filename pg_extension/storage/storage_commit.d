pg_extension/storage/storage_commit.o: \
 pg_extension/storage/storage_commit.cpp \
 pg_extension/storage/storage_commit.h \
 pg_extension/decoding/change_message.h \
 pg_extension/decoding/byte_stream.h pg_extension/evaluator/row_effects.h \
 pg_extension/pg/bulk_insert.h pg_extension/storage/bucket_cache.h \
 pg_extension/storage/head.h pg_extension/storage/row_memory.h \
 pg_extension/pg/spi.h pg_extension/storage/hash.h
pg_extension/storage/storage_commit.h:
pg_extension/decoding/change_message.h:
pg_extension/decoding/byte_stream.h:
pg_extension/evaluator/row_effects.h:
pg_extension/pg/bulk_insert.h:
pg_extension/storage/bucket_cache.h:
pg_extension/storage/head.h:
pg_extension/storage/row_memory.h:
pg_extension/pg/spi.h:
pg_extension/storage/hash.h:
