// SQL functions that raise from either side of the seam between C++ and the server, for
// regress/t/005_error_guard.pl. Built for the tests only.
#include <new>
#include <stdexcept>
#include <string>

#include "pg/error.h"
#include "pg/memory.h"
#include "pg/server.h"
#include "sql_api/text_function.h"

namespace brigade {

namespace {

// Counts objects alive: a longjmp over one would leave the count too high for ever.
int64_t alive = 0;

class Witness {
 public:
  Witness() { alive++; }
  ~Witness() { alive--; }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

 private:
  std::string text_ = std::string(1000, 'w');  // a leak shows in memory as well
};

void raise_server_error() {
  ereport(ERROR, (errcode(ERRCODE_DIVISION_BY_ZERO), errmsg("raised by the server"),
                  errdetail("A detail."), errhint("A hint.")));
}

void throw_by_name(const std::string& name) {
  if (name == "error") throw pg::Error("22023", "thrown by us", "Our detail.", "Our hint.");
  if (name == "bad sqlstate") throw pg::Error("no", "thrown by us");
  if (name == "standard") throw std::runtime_error("thrown by a library");
  if (name == "memory") throw std::bad_alloc();
  throw 42;  // NOLINT: the guard must cope with what is no exception class too
}

Datum nothing() { return BoolGetDatum(true); }

}  // namespace

extern "C" {

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(objects_alive);
PGDLLEXPORT Datum objects_alive(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  PG_RETURN_INT64(alive);
}

// The server raises below C++ frames.
PG_FUNCTION_INFO_V1(server_raises);
PGDLLEXPORT Datum server_raises(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  return pg::edge([] {
    const Witness outer;
    pg::guard([] { raise_server_error(); });
    return nothing();
  });
}

// C++ throws, above no server frame.
PG_FUNCTION_INFO_V1(cpp_throws);
PGDLLEXPORT Datum cpp_throws(PG_FUNCTION_ARGS) {
  return pg::edge([&] {
    const Witness outer;
    throw_by_name(std::string(text_argument(fcinfo, 0)));
    return nothing();
  });
}

// C++ → server → C++ which throws: the error passes both seams twice on its way.
PG_FUNCTION_INFO_V1(throws_through_server);
PGDLLEXPORT Datum throws_through_server(PG_FUNCTION_ARGS) {
  return pg::edge([&] {
    const Witness outer;
    const Datum text = PG_GETARG_DATUM(0);
    return pg::guard([&] { return DirectFunctionCall1(cpp_throws, text); });
  });
}

// Catches what the server raised, and goes on calling the server. Tells what it caught.
PG_FUNCTION_INFO_V1(catches);
PGDLLEXPORT Datum catches(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  return pg::edge([] {
    const Witness outer;
    std::string told = "nothing";
    try {
      const Witness inner;
      pg::guard([] { raise_server_error(); });
    } catch (const pg::Error& error) {
      told = error.sqlstate() + "|" + error.what() + "|" + error.detail() + "|" + error.hint();
    }
    const char* text = told.c_str();
    return pg::guard([&] { return PointerGetDatum(cstring_to_text(text)); });
  });
}

// Leaves a memory scope by an exception; true if the server's current context is the caller's.
PG_FUNCTION_INFO_V1(context_restored);
PGDLLEXPORT Datum context_restored(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  return pg::edge([] {
    MemoryContextData* before = CurrentMemoryContext;
    try {
      const pg::Arena arena("test");
      const pg::ContextScope scope(arena);
      pg::guard([] {
        (void)palloc(100000);
        raise_server_error();
      });
    } catch (const pg::Error&) {
      return BoolGetDatum(CurrentMemoryContext == before);
    }
    return BoolGetDatum(false);
  });
}

// Waits inside guard() until the statement is cancelled.
PG_FUNCTION_INFO_V1(waits_for_cancel);
PGDLLEXPORT Datum waits_for_cancel(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  return pg::edge([] {
    const Witness outer;
    pg::guard([] { DirectFunctionCall1(pg_sleep, Float8GetDatum(600)); });
    return nothing();
  });
}

}  // extern "C"

}  // namespace brigade
