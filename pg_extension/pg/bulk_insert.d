pg_extension/pg/bulk_insert.o: pg_extension/pg/bulk_insert.cpp \
 pg_extension/pg/bulk_insert.h pg_extension/pg/error.h \
 pg_extension/pg/server.h pg_extension/pg/compatibility.h
pg_extension/pg/bulk_insert.h:
pg_extension/pg/error.h:
pg_extension/pg/server.h:
pg_extension/pg/compatibility.h:
