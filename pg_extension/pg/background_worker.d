pg_extension/pg/background_worker.o: \
 pg_extension/pg/background_worker.cpp \
 pg_extension/pg/background_worker.h pg_extension/pg/error.h \
 pg_extension/pg/server.h
pg_extension/pg/background_worker.h:
pg_extension/pg/error.h:
pg_extension/pg/server.h:
