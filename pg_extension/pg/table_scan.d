pg_extension/pg/table_scan.o: pg_extension/pg/table_scan.cpp \
 pg_extension/pg/table_scan.h pg_extension/pg/server.h \
 pg_extension/pg/error.h pg_extension/pg/spi.h
pg_extension/pg/table_scan.h:
pg_extension/pg/server.h:
pg_extension/pg/error.h:
pg_extension/pg/spi.h:
