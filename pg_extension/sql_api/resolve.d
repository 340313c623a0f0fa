pg_extension/sql_api/resolve.o: pg_extension/sql_api/resolve.cpp \
 pg_extension/evaluator/resolver.h pg_extension/sync_config/plan.h \
 pg_extension/pg/spi.h pg_extension/sql_api/text_function.h \
 pg_extension/pg/error.h pg_extension/pg/server.h \
 pg_extension/storage/hash.h pg_extension/storage/serving_plan.h
pg_extension/evaluator/resolver.h:
pg_extension/sync_config/plan.h:
pg_extension/pg/spi.h:
pg_extension/sql_api/text_function.h:
pg_extension/pg/error.h:
pg_extension/pg/server.h:
pg_extension/storage/hash.h:
pg_extension/storage/serving_plan.h:
