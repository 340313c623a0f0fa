pg_extension/decoding/change_message.o: \
 pg_extension/decoding/change_message.cpp \
 pg_extension/decoding/change_message.h \
 pg_extension/decoding/byte_stream.h pg_extension/evaluator/row_effects.h
pg_extension/decoding/change_message.h:
pg_extension/decoding/byte_stream.h:
pg_extension/evaluator/row_effects.h:
