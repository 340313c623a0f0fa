#include "pg/error.h"

#include <csetjmp>
#include <new>

#include "pg/server.h"

namespace brigade::pg {

Error::Error(std::string_view sqlstate, const std::string& message, std::string detail,
             std::string hint, std::string context)
    : std::runtime_error(message),
      sqlstate_(sqlstate),
      detail_(std::move(detail)),
      hint_(std::move(hint)),
      context_(std::move(context)) {}

namespace internal {

namespace {

// Puts the server's error stacks back, however the scope is left. Without it a C++ exception that
// passes would leave PG_exception_stack pointing into a dead frame.
class ErrorStackScope {
 public:
  ErrorStackScope() : exceptions_(PG_exception_stack), contexts_(error_context_stack) {}
  ~ErrorStackScope() { restore(); }
  ErrorStackScope(const ErrorStackScope&) = delete;
  ErrorStackScope& operator=(const ErrorStackScope&) = delete;

  void restore() const {
    PG_exception_stack = exceptions_;
    error_context_stack = contexts_;
  }

 private:
  sigjmp_buf* exceptions_;
  ErrorContextCallback* contexts_;
};

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : text; }

// Takes the raised error off the server's stack.
Error take_raised_error(MemoryContext caller) {
  MemoryContextSwitchTo(caller);
  ErrorData* data = CopyErrorData();
  FlushErrorState();
  Error error(unpack_sql_state(data->sqlerrcode), text_or_empty(data->message),
              text_or_empty(data->detail), text_or_empty(data->hint), text_or_empty(data->context));
  FreeErrorData(data);
  return error;
}

}  // namespace

void run_guarded(void (*call)(void*), void* argument) {
  const MemoryContext caller = CurrentMemoryContext;
  const ErrorStackScope stacks;
  sigjmp_buf landing;
  if (sigsetjmp(landing, 0) == 0) {
    PG_exception_stack = &landing;
    call(argument);
    return;
  }
  stacks.restore();
  throw take_raised_error(caller);
}

// Plain data in server memory: it must survive the longjmp, and nothing frees it but its context.
struct Report {
  int sqlstate;
  const char* message;
  const char* detail;
  const char* hint;
  const char* context;
};

namespace {

Report out_of_memory_report = {ERRCODE_OUT_OF_MEMORY, "out of memory", nullptr, nullptr, nullptr};

// Null when there is no memory: a raise here would jump out of a catch block.
char* copy_text(const char* text) {
  const size_t size = strlen(text) + 1;
  void* copy = MemoryContextAllocExtended(CurrentMemoryContext, size, MCXT_ALLOC_NO_OOM);
  return copy == nullptr ? nullptr : static_cast<char*>(memcpy(copy, text, size));
}

const char* copy_unless_empty(const std::string& text) {
  return text.empty() ? nullptr : copy_text(text.c_str());
}

int sqlstate_code(const std::string& text) {
  if (text.size() != 5) return ERRCODE_INTERNAL_ERROR;
  return MAKE_SQLSTATE(text[0], text[1], text[2], text[3], text[4]);
}

Report* new_report(int sqlstate, const char* message) {
  void* memory =
      MemoryContextAllocExtended(CurrentMemoryContext, sizeof(Report), MCXT_ALLOC_NO_OOM);
  char* text = memory == nullptr ? nullptr : copy_text(message);
  if (text == nullptr) return &out_of_memory_report;
  return new (memory) Report{sqlstate, text, nullptr, nullptr, nullptr};
}

Report* report_of(const Error& error) {
  Report* report = new_report(sqlstate_code(error.sqlstate()), error.what());
  if (report == &out_of_memory_report) return report;
  report->detail = copy_unless_empty(error.detail());
  report->hint = copy_unless_empty(error.hint());
  report->context = copy_unless_empty(error.context());
  return report;
}

}  // namespace

Report* report_current_exception() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return report_of(error);
  } catch (const std::bad_alloc&) {
    return &out_of_memory_report;
  } catch (const std::exception& exception) {
    return new_report(ERRCODE_INTERNAL_ERROR, exception.what());
  } catch (...) {
    return new_report(ERRCODE_INTERNAL_ERROR, "unknown C++ exception");
  }
}

void raise(Report* report) {
  ereport(ERROR, (errcode(report->sqlstate), errmsg_internal("%s", report->message),
                  report->detail == nullptr ? 0 : errdetail_internal("%s", report->detail),
                  report->hint == nullptr ? 0 : errhint("%s", report->hint),
                  report->context == nullptr ? 0 : errcontext_msg("%s", report->context)));
  pg_unreachable();
}

}  // namespace internal

}  // namespace brigade::pg
