#pragma once

#include <new>
#include <utility>

#include "pg/server.h"
#include "sync_config/json_text.h"
#include "sync_config/plan.h"
#include "sync_config/value.h"

extern "C" {
#include "lib/stringinfo.h"
}

// From Postgres values to SQLite values. docs/types.md tells what becomes what, and why.
//
// All of it is server zone: any call may raise, so nothing here has a destructor. Results lie in
// the value they were made from where possible, and in the current memory context otherwise.
namespace brigade {

// Converts the values of one type. Lives in a memory context, and is never destroyed by itself.
class ValueConverter {
 public:
  virtual Value to_value(Datum datum) const = 0;
  // Appends the value as an element of a JSON array or object.
  virtual void append_json(Datum datum, StringInfo target) const = 0;

 protected:
  ~ValueConverter() = default;
};

// The converter for values of `type` under `options`, made in the current memory context. It stays
// right when the definition of the type, or of a type it is made of, changes.
const ValueConverter* create_value_converter(Oid type, const ValueOptions& options);

// ---- The families it chooses from
// ----------------------------------------------------------------

// Types that are one SQLite value and need no catalog: null for all others.
const ValueConverter* create_scalar_converter(Oid type);

// Dates and times: null for all other types.
const ValueConverter* create_time_converter(Oid type, const ValueOptions& options);

// The text form of any type.
const ValueConverter* create_output_converter(Oid type);

const ValueConverter* create_array_converter(Oid element_type, const ValueOptions& options);
const ValueConverter* create_composite_converter(Oid type, const ValueOptions& options);
const ValueConverter* create_range_converter(Oid type, const ValueOptions& options);
const ValueConverter* create_multirange_converter(Oid type, const ValueOptions& options);

// ---- For those who implement them
// ----------------------------------------------------------------

// A converter whose JSON form follows from the SQLite value.
class ScalarConverter : public ValueConverter {
 public:
  void append_json(Datum datum, StringInfo target) const override;
};

template <typename Converter, typename... Arguments>
const Converter* create_in_context(Arguments&&... arguments) {
  return new (palloc(sizeof(Converter))) Converter(std::forward<Arguments>(arguments)...);
}

// A server string buffer as a Sink of sync_config/json_text.h.
struct StringInfoSink {
  StringInfo target;
  void append(const char* data, size_t size) const {
    appendBinaryStringInfo(target, data, static_cast<int>(size));
  }
};

inline void append_text(StringInfo target, std::string_view text) {
  StringInfoSink{target}.append(text.data(), text.size());
}

inline Value text_of(const StringInfoData& buffer) {
  return Value::of_text({buffer.data, static_cast<size_t>(buffer.len)});
}

// Text of the server as a Value in UTF-8.
Value utf8_value(std::string_view text);

// A value as JSON; blobs, which JSON cannot hold, are null.
void append_value_json(const Value& value, StringInfo target);

}  // namespace brigade
