pg_extension/storage/hash.o: pg_extension/storage/hash.cpp \
 pg_extension/storage/hash.h
pg_extension/storage/hash.h:
