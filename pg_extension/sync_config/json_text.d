pg_extension/sync_config/json_text.o: \
 pg_extension/sync_config/json_text.cpp \
 pg_extension/sync_config/json_text.h
pg_extension/sync_config/json_text.h:
