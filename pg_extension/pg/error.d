pg_extension/pg/error.o: pg_extension/pg/error.cpp \
 pg_extension/pg/error.h pg_extension/pg/server.h
pg_extension/pg/error.h:
pg_extension/pg/server.h:
