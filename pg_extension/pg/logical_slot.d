pg_extension/pg/logical_slot.o: pg_extension/pg/logical_slot.cpp \
 pg_extension/pg/logical_slot.h pg_extension/pg/error.h \
 pg_extension/pg/server.h pg_extension/pg/compatibility.h
pg_extension/pg/logical_slot.h:
pg_extension/pg/error.h:
pg_extension/pg/server.h:
pg_extension/pg/compatibility.h:
