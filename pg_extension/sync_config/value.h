#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace brigade {

// The SQLite storage class of a value, plus one kind only decoding produces: a column whose
// out-of-line (TOAST) value was not in the WAL because the statement did not change it: the WAL has
// a pointer to it.
enum class ValueKind : uint8_t { null, integer, real, text, blob, unchanged };

// One column value as SQLite would hold it. It does not own its bytes: whoever builds a Value keeps
// them alive. It is trivial, so that it may lie on the stack under a call that may longjmp.
struct Value {
  ValueKind kind;
  union {
    int64_t integer;
    double real;
    struct {
      const char* data;
      size_t size;
    } bytes;
  };

  static Value null() { return Value{ValueKind::null, {0}}; }
  static Value unchanged(std::string_view pointer) {
    return of_bytes(ValueKind::unchanged, pointer);
  }
  static Value of_integer(int64_t value) { return Value{ValueKind::integer, {value}}; }
  static Value of_real(double value) {
    Value result{ValueKind::real, {0}};
    result.real = value;
    return result;
  }
  static Value of_text(std::string_view text) { return of_bytes(ValueKind::text, text); }
  static Value of_blob(std::string_view blob) { return of_bytes(ValueKind::blob, blob); }

  // REQUIRES: kind is text, blob or unchanged.
  std::string_view view() const { return {bytes.data, bytes.size}; }

 private:
  static Value of_bytes(ValueKind kind, std::string_view view) {
    Value result{kind, {0}};
    result.bytes.data = view.data();
    result.bytes.size = view.size();
    return result;
  }
};

}  // namespace brigade
