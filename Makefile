# PGXS makefile of the extension; `make demo` and `make test` at the end drive everything else.
EXTENSION = pg_brigade
MODULE_big = pg_brigade
SOURCES = $(wildcard pg_extension/*.cpp pg_extension/*/*.cpp)
OBJS = $(SOURCES:.cpp=.o)
DATA = $(wildcard sql/pg_brigade--*.sql)
REGRESS = $(patsubst regress/sql/%.sql,%,$(sort $(wildcard regress/sql/*.sql)))
REGRESS_OPTS = --inputdir=regress --outputdir=build/regress

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
# JIT inlines nothing of ours, so no LLVM bitcode is built.
override with_llvm = no

PG_CPPFLAGS = -Ipg_extension -isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CXXFLAGS = -std=c++20 -Wall -Wextra -Werror -fPIC
SHLIB_LINK = -lstdc++ -lyaml-cpp -lsqlite3 -lxxhash
include $(PGXS)
