pg_extension/sql_api/deploy.o: pg_extension/sql_api/deploy.cpp \
 pg_extension/pg/background_worker.h pg_extension/pg/spi.h \
 pg_extension/sql_api/text_function.h pg_extension/pg/error.h \
 pg_extension/pg/server.h pg_extension/sql_api/worker_start.h \
 pg_extension/sync_config/compiler.h pg_extension/sync_config/plan.h
pg_extension/pg/background_worker.h:
pg_extension/pg/spi.h:
pg_extension/sql_api/text_function.h:
pg_extension/pg/error.h:
pg_extension/pg/server.h:
pg_extension/sql_api/worker_start.h:
pg_extension/sync_config/compiler.h:
pg_extension/sync_config/plan.h:
