pg_extension/decoding/row_reader.o: pg_extension/decoding/row_reader.cpp \
 pg_extension/decoding/row_reader.h pg_extension/pg/server.h \
 pg_extension/sync_config/plan.h pg_extension/sync_config/value.h \
 pg_extension/pg/error.h
pg_extension/decoding/row_reader.h:
pg_extension/pg/server.h:
pg_extension/sync_config/plan.h:
pg_extension/sync_config/value.h:
pg_extension/pg/error.h:
