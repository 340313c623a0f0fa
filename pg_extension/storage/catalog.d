pg_extension/storage/catalog.o: pg_extension/storage/catalog.cpp \
 pg_extension/storage/catalog.h pg_extension/decoding/active_plan.h \
 pg_extension/sync_config/plan.h pg_extension/storage/head.h \
 pg_extension/pg/spi.h
pg_extension/storage/catalog.h:
pg_extension/decoding/active_plan.h:
pg_extension/sync_config/plan.h:
pg_extension/storage/head.h:
pg_extension/pg/spi.h:
