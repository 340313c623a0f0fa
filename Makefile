# PGXS makefile of the extension: `make`, `make install` and `make installcheck` work as for any
# extension. Everything else (sidecar, tests, demo, checks) is below the include.
EXTENSION = sql/pg_brigade
MODULE_big = pg_brigade
SOURCES := $(wildcard pg_extension/*.cpp pg_extension/*/*.cpp)
OBJS = $(SOURCES:.cpp=.o)
DATA = $(wildcard sql/pg_brigade--*.sql)
EXTRA_CLEAN = $(OBJS:.o=.d) build

# Assigned with := so that an empty list reads as undefined to PGXS.
REGRESS := $(patsubst regress/sql/%.sql,%,$(sort $(wildcard regress/sql/*.sql)))
REGRESS_OPTS = --inputdir=regress --outputdir=build/regress
ISOLATION := $(patsubst regress/specs/%.spec,%,$(sort $(wildcard regress/specs/*.spec)))
ISOLATION_OPTS = --inputdir=regress --outputdir=build/isolation
REGRESS_PREP = build/regress build/isolation

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
# JIT inlines nothing of ours, so no LLVM bitcode is built.
override with_llvm = no

# -isystem: warnings are for our code, not for the server's headers.
PG_CPPFLAGS = -Ipg_extension -isystem $(shell $(PG_CONFIG) --includedir-server) -MMD -MP
PG_CXXFLAGS = -std=c++20 -Wall -Wextra -Werror -fPIC
SHLIB_LINK = -lstdc++ -lyaml-cpp -lsqlite3 -lxxhash

ifneq ($(PGXS),)
include $(PGXS)
ifneq ($(shell command -v ccache),)
override CXX := ccache $(CXX)
endif
-include $(OBJS:.o=.d)
else
all install installcheck uninstall clean:
	@echo "No Postgres development files: $(PG_CONFIG) --pgxs says nothing." >&2
	@echo "Run 'make dependencies' (Debian), or set PG_CONFIG." >&2
	@exit 1
endif

# Objects built against another server, or with other flags, are built anew.
$(OBJS): build/compiled-for
build/compiled-for: always
	@mkdir -p $(@D)
	@echo '$(VERSION) $(includedir_server) $(CXX) $(CXXFLAGS) $(CPPFLAGS)' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

build/regress build/isolation:
	mkdir -p $@

# ---- Beyond the extension ------------------------------------------------------------------------

CLUSTER = regress/lib/cluster
STAGE = $(CURDIR)/build/postgres
STAGED_PG_CONFIG = $(STAGE)/bin/pg_config
NODE = regress/e2e/node_modules/node-linux-*/bin/node --disable-warning=ExperimentalWarning
TAP_TESTS = $(sort $(wildcard regress/t/*.pl))
E2E_TESTS = $(sort $(wildcard regress/e2e/*.test.js))
JOBS ?= $(shell nproc)
CXX_FILES = $(shell find pg_extension sidecar regress/unit regress/module bench fuzz \
	-name '*.cpp' -o -name '*.h' 2>/dev/null)
CMAKE_OPTIONS = $(if $(shell command -v ninja),-G Ninja) \
	$(if $(shell command -v ccache),-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

clean: clean-stage
clean-stage:
	rm -rf "$$(readlink '$(STAGE)')"

help:  ## Shows this list
	@sed -n 's/^\([a-z0-9-]*\):.*  ## /\1\t/p' Makefile | expand -t 18

dependencies:  ## Installs what building and testing need and is missing (apt, npm)
	@packaging/install-dependencies

sidecar: build/cmake/CMakeCache.txt  ## Builds the sidecar: build/cmake/sidecar/brigade-sidecar
	cmake --build build/cmake --target brigade-sidecar --parallel $(JOBS)

unit: build/cmake/CMakeCache.txt  ## Builds and runs the unit tests, which need no server
	cmake --build build/cmake --parallel $(JOBS)
	ctest --test-dir build/cmake --output-on-failure --no-tests=error --parallel $(JOBS)

build/cmake/CMakeCache.txt:
	cmake -S . -B build/cmake $(CMAKE_OPTIONS)

build/sanitize/CMakeCache.txt:
	cmake -S . -B build/sanitize $(CMAKE_OPTIONS) -DBRIGADE_SANITIZE=ON

sanitize: build/sanitize/CMakeCache.txt  ## The unit tests once more, under ASan and UBSan
	cmake --build build/sanitize --parallel $(JOBS)
	ctest --test-dir build/sanitize --output-on-failure --no-tests=error --parallel $(JOBS)

stage: all  ## A private copy of Postgres with the extension installed: build/postgres
	regress/lib/copy-postgres '$(PG_CONFIG)' '$(STAGE)'
	@$(MAKE) --no-print-directory install DESTDIR='$(STAGE)' > build/install.log \
		|| { cat build/install.log; exit 1; }

# Functions that only tests call, as a library beside the extension's in the private copy.
TEST_MODULE = $(STAGE)$(pkglibdir)/brigade_test.so
stage-tests: stage $(TEST_MODULE)
$(TEST_MODULE): | stage
$(TEST_MODULE): $(wildcard regress/module/*.cpp) pg_extension/pg/error.o pg_extension/pg/memory.o
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) -shared -o $@ $^ -lstdc++

regress: stage  ## pg_regress and isolation tests, on a throwaway server
	$(CLUSTER) run -- $(MAKE) --no-print-directory installcheck PG_CONFIG=$(STAGED_PG_CONFIG)

tap: stage-tests  ## Tests of crashes, restarts and replication
	regress/lib/prove '$(STAGED_PG_CONFIG)' $(TAP_TESTS)

VALGRIND_TESTS = $(addprefix regress/t/,005_error_guard.pl 006_replica_identity.pl 007_ddl.pl)
valgrind: stage-tests  ## Tests of the extension with the server under valgrind (slow)
	regress/lib/valgrind '$(STAGED_PG_CONFIG)' $(VALGRIND_TESTS)

e2e: stage sidecar  ## Tests with a real client SDK
	$(NODE) --test --test-concurrency=1 --test-timeout=120000 $(E2E_TESTS)

# A test fails if its sidecar ends with a finding. Sanitizers need more memory than memory.test.js
# allows.
SANITIZED_E2E_TESTS = $(filter-out %/memory.test.js,$(E2E_TESTS))
sanitize-e2e: stage build/sanitize/CMakeCache.txt  ## The same with the sidecar under ASan and UBSan
	cmake --build build/sanitize --target brigade-sidecar --parallel $(JOBS)
	BRIGADE_SIDECAR=$(CURDIR)/build/sanitize/sidecar/brigade-sidecar \
		$(NODE) --test --test-concurrency=1 --test-timeout=120000 $(SANITIZED_E2E_TESTS)

FAULTS = build/faults.so
$(FAULTS): regress/lib/faults.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -Wextra -Werror -fPIC -shared -o $@ $< -ldl

oracle: stage sidecar $(FAULTS)  ## Random worlds, compared at every checkpoint (SEED, MINUTES)
	@SEED='$(SEED)' MINUTES='$(MINUTES)' $(NODE) regress/oracle/main.js

oracle-corpus: stage sidecar $(FAULTS)  ## Worlds that once found something; deliberate bugs
	$(NODE) --test --test-concurrency=1 --test-timeout=120000 regress/oracle/oracle.test.js

test: dependencies  ## Everything there is to test
	$(MAKE) --silent --jobs=$(JOBS) stage sidecar
	$(MAKE) --jobs=1 --keep-going unit regress tap e2e oracle-corpus

demo: dependencies  ## Two devices follow a to-do database, live (KEEP=1: until Ctrl-C)
	$(MAKE) --silent --jobs=$(JOBS) stage sidecar
	@KEEP='$(KEEP)' DEMO_SECONDS='$(DEMO_SECONDS)' $(NODE) examples/todo/demo.js

format:  ## Formats the C++ sources
	clang-format -i $(CXX_FILES)

format-check:  ## Fails if `make format` would change anything
	clang-format --dry-run --Werror $(CXX_FILES)

tidy: build/cmake/CMakeCache.txt  ## clang-tidy; warnings are errors
	TIDY_FLAGS='$(CXXFLAGS) $(CPPFLAGS)' JOBS=$(JOBS) .ci/tidy $(SOURCES)

check-includes:  ## Fails on an include the layout forbids
	.ci/check-includes

check-sizes:  ## Fails on too long lines, functions and files
	.ci/check-sizes

.PHONY: always clean-stage stage-tests help dependencies sidecar unit sanitize stage regress tap \
	valgrind e2e sanitize-e2e oracle oracle-corpus test demo format format-check tidy \
	check-includes check-sizes
