#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

// The one seam between C++ exceptions and Postgres errors (ereport, which is a longjmp).
//
// Two rules make it sound, both from the Postgres manual, "Using C++ for Extensibility":
//  - An exception never leaves an extern "C" function: its whole body runs inside edge().
//  - An ERROR never jumps over a C++ frame that has a destructor: C++ code calls the server only
//    inside guard(), and the guarded callable keeps nothing but plain data on its stack.
namespace brigade::pg {

// A Postgres error travelling as a C++ exception, or an error of ours about to become a Postgres
// one.
class Error : public std::runtime_error {
 public:
  // `sqlstate` is five characters, such as "22023".
  Error(std::string_view sqlstate, const std::string& message, std::string detail = {},
        std::string hint = {}, std::string context = {});

  const std::string& sqlstate() const { return sqlstate_; }
  const std::string& detail() const { return detail_; }
  const std::string& hint() const { return hint_; }
  const std::string& context() const { return context_; }

 private:
  std::string sqlstate_;
  std::string detail_;
  std::string hint_;
  std::string context_;
};

namespace internal {
// Calls call(argument); throws Error if it raised a Postgres ERROR.
void run_guarded(void (*call)(void*), void* argument);
struct Report;
// Copies the exception being handled into server memory. Called inside a catch block; never raises.
Report* report_current_exception() noexcept;
// Raises the report as a Postgres ERROR. Called when no C++ object is alive.
[[noreturn]] void raise(Report* report);
}  // namespace internal

// Runs `call`, which calls the server and may raise, and returns what it returns.
// Throws Error. Catching it does not undo what the server did: let it pass to the edge, or roll
// back. REQUIRES: `call` keeps no object with a destructor on its stack, and returns a trivial
// type.
template <typename Call>
auto guard(Call&& call) -> std::invoke_result_t<Call> {
  using Result = std::invoke_result_t<Call>;
  using Callable = std::remove_reference_t<Call>;
  if constexpr (std::is_void_v<Result>) {
    struct Frame {
      Callable* call;
    } frame{&call};
    internal::run_guarded([](void* argument) { (*static_cast<Frame*>(argument)->call)(); }, &frame);
  } else {
    static_assert(std::is_trivially_copyable_v<Result>, "an ERROR would jump over its destructor");
    struct Frame {
      Callable* call;
      Result result;
    } frame{&call, {}};
    internal::run_guarded(
        [](void* argument) {
          auto* frame = static_cast<Frame*>(argument);
          frame->result = (*frame->call)();
        },
        &frame);
    return frame.result;
  }
}

// Runs the C++ body of an extern "C" function; any exception becomes a Postgres ERROR with its
// SQLSTATE, detail and hint.
template <typename Body>
auto edge(Body&& body) -> std::invoke_result_t<Body> {
  internal::Report* report;
  try {
    return body();
  } catch (...) {
    report = internal::report_current_exception();
  }
  // The exception object is gone by now: the longjmp below leaves nothing behind.
  internal::raise(report);
}

}  // namespace brigade::pg
