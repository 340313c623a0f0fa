pg_extension/module.o: pg_extension/module.cpp pg_extension/pg/server.h
pg_extension/pg/server.h:
