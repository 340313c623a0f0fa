pg_extension/sync_config/zz_stub.o: pg_extension/sync_config/zz_stub.cpp \
 pg_extension/evaluator/resolver.h pg_extension/sync_config/plan.h \
 pg_extension/evaluator/table_evaluator.h \
 pg_extension/evaluator/row_effects.h pg_extension/sync_config/value.h \
 pg_extension/sync_config/compiler.h pg_extension/sync_config/json_text.h
pg_extension/evaluator/resolver.h:
pg_extension/sync_config/plan.h:
pg_extension/evaluator/table_evaluator.h:
pg_extension/evaluator/row_effects.h:
pg_extension/sync_config/value.h:
pg_extension/sync_config/compiler.h:
pg_extension/sync_config/json_text.h:
