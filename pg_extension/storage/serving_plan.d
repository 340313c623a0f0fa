pg_extension/storage/serving_plan.o: \
 pg_extension/storage/serving_plan.cpp \
 pg_extension/storage/serving_plan.h pg_extension/sync_config/plan.h \
 pg_extension/pg/spi.h
pg_extension/storage/serving_plan.h:
pg_extension/sync_config/plan.h:
pg_extension/pg/spi.h:
