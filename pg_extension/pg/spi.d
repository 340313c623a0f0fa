pg_extension/pg/spi.o: pg_extension/pg/spi.cpp pg_extension/pg/spi.h \
 pg_extension/pg/error.h pg_extension/pg/server.h
pg_extension/pg/spi.h:
pg_extension/pg/error.h:
pg_extension/pg/server.h:
