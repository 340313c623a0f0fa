pg_extension/pg/transaction.o: pg_extension/pg/transaction.cpp \
 pg_extension/pg/transaction.h pg_extension/pg/error.h \
 pg_extension/pg/server.h
pg_extension/pg/transaction.h:
pg_extension/pg/error.h:
pg_extension/pg/server.h:
