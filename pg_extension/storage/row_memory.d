pg_extension/storage/row_memory.o: pg_extension/storage/row_memory.cpp \
 pg_extension/storage/row_memory.h pg_extension/decoding/change_message.h \
 pg_extension/decoding/byte_stream.h pg_extension/evaluator/row_effects.h \
 pg_extension/pg/spi.h pg_extension/storage/hash.h
pg_extension/storage/row_memory.h:
pg_extension/decoding/change_message.h:
pg_extension/decoding/byte_stream.h:
pg_extension/evaluator/row_effects.h:
pg_extension/pg/spi.h:
pg_extension/storage/hash.h:
