pg_extension/sql_api/worker_start.o: \
 pg_extension/sql_api/worker_start.cpp \
 pg_extension/sql_api/worker_start.h pg_extension/pg/background_worker.h \
 pg_extension/pg/error.h pg_extension/pg/server.h pg_extension/pg/spi.h
pg_extension/sql_api/worker_start.h:
pg_extension/pg/background_worker.h:
pg_extension/pg/error.h:
pg_extension/pg/server.h:
pg_extension/pg/spi.h:
