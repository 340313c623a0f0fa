pg_extension/decoding/subkey.o: pg_extension/decoding/subkey.cpp \
 pg_extension/decoding/subkey.h pg_extension/decoding/change_message.h \
 pg_extension/decoding/byte_stream.h pg_extension/evaluator/row_effects.h \
 pg_extension/sync_config/value.h
pg_extension/decoding/subkey.h:
pg_extension/decoding/change_message.h:
pg_extension/decoding/byte_stream.h:
pg_extension/evaluator/row_effects.h:
pg_extension/sync_config/value.h:
