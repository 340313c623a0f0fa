pg_extension/storage/bucket_cache.o: \
 pg_extension/storage/bucket_cache.cpp \
 pg_extension/storage/bucket_cache.h pg_extension/storage/head.h \
 pg_extension/pg/spi.h
pg_extension/storage/bucket_cache.h:
pg_extension/storage/head.h:
pg_extension/pg/spi.h:
