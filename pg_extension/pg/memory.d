pg_extension/pg/memory.o: pg_extension/pg/memory.cpp \
 pg_extension/pg/memory.h pg_extension/pg/error.h \
 pg_extension/pg/server.h
pg_extension/pg/memory.h:
pg_extension/pg/error.h:
pg_extension/pg/server.h:
