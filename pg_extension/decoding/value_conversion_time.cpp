#include "decoding/value_conversion.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
}

// Dates and times are written here rather than by the server's functions: those depend on settings,
// and write infinities as words that SQLite's date functions do not know.
namespace brigade {

namespace {

// Room for "294276-12-31T23:59:59.999999Z", and for a date before Christ.
constexpr size_t time_text_size_max = 32;

// As in 'infinity': the last second and the first of the years that have four digits.
constexpr int64 last_second_us = USECS_PER_DAY - USECS_PER_SEC;

struct Date {
  int year;  // 0 is 1 BC
  int month;
  int day;
};

constexpr Date date_max = {9999, 12, 31};
constexpr Date date_min = {0, 1, 1};

// `days` since 2000-01-01.
Date date_of(int64 days) {
  Date date;
  j2date(static_cast<int>(days + POSTGRES_EPOCH_JDATE), &date.year, &date.month, &date.day);
  return date;
}

char* write_character(char* target, char character) {
  *target = character;
  return target + 1;
}

char* write_date(char* target, int year, const Date& date) {
  target = pg_ultostr_zeropad(target, year, 4);
  target = pg_ultostr_zeropad(write_character(target, '-'), date.month, 2);
  return pg_ultostr_zeropad(write_character(target, '-'), date.day, 2);
}

char* without_trailing_zeros(char* end) {
  while (end[-1] == '0') end--;
  return end;
}

// A fixed number of digits, cut off; or, in the old form, as many as there are.
char* write_fraction(char* target, int64 microseconds, const ValueOptions& options) {
  if (options.timestamps_iso8601) {
    if (options.timestamp_precision_max == 0) return target;
    pg_ultostr_zeropad(write_character(target, '.'), microseconds, 6);
    return target + 1 + options.timestamp_precision_max;
  }
  if (microseconds == 0) return target;
  return without_trailing_zeros(pg_ultostr_zeropad(write_character(target, '.'), microseconds, 6));
}

// `time` is microseconds since midnight.
char* write_time(char* target, int64 time, const ValueOptions& options) {
  const auto seconds = static_cast<int>(time / USECS_PER_SEC);
  target = pg_ultostr_zeropad(target, seconds / SECS_PER_HOUR, 2);
  target = pg_ultostr_zeropad(write_character(target, ':'),
                              seconds % SECS_PER_HOUR / SECS_PER_MINUTE, 2);
  target = pg_ultostr_zeropad(write_character(target, ':'), seconds % SECS_PER_MINUTE, 2);
  return write_fraction(target, time % USECS_PER_SEC, options);
}

char* new_buffer() { return static_cast<char*>(palloc(time_text_size_max)); }

Value text_between(const char* start, const char* end) {
  return Value::of_text({start, static_cast<size_t>(end - start)});
}

class DateConverter final : public ScalarConverter {
 public:
  Value to_value(Datum datum) const override {
    const DateADT days = DatumGetDateADT(datum);
    if (DATE_IS_NOBEGIN(days)) return text_of(date_min);
    if (DATE_IS_NOEND(days)) return text_of(date_max);
    const Date date = date_of(days);
    return date.year > 0 ? text_of(date) : before_christ(date);
  }

 private:
  static Value text_of(const Date& date) {
    char* text = new_buffer();
    return text_between(text, write_date(text, date.year, date));
  }
  static Value before_christ(const Date& date) {
    char* text = new_buffer();
    char* end = write_date(text, 1 - date.year, date);
    memcpy(end, " BC", 3);
    return text_between(text, end + 3);
  }
};

class TimeConverter final : public ScalarConverter {
 public:
  explicit TimeConverter(const ValueOptions& options) : options_(options) {}

  Value to_value(Datum datum) const override {
    char* text = new_buffer();
    return text_between(text, write_time(text, DatumGetTimeADT(datum), options_));
  }

 private:
  ValueOptions options_;
};

// timestamp, and with `zoned` timestamptz, which is written in UTC.
class TimestampConverter final : public ScalarConverter {
 public:
  TimestampConverter(const ValueOptions& options, bool zoned) : options_(options), zoned_(zoned) {}

  Value to_value(Datum datum) const override {
    const Timestamp timestamp = DatumGetTimestamp(datum);
    if (TIMESTAMP_IS_NOBEGIN(timestamp)) return text_of(date_min, 0);
    if (TIMESTAMP_IS_NOEND(timestamp)) return text_of(date_max, last_second_us);
    int64 days = timestamp / USECS_PER_DAY;
    int64 time = timestamp % USECS_PER_DAY;
    if (time < 0) {
      time += USECS_PER_DAY;
      days--;
    }
    const Date date = date_of(days);
    return is_writable(date.year) ? text_of(date, time) : Value::null();
  }

 private:
  // No form that clients know holds years before Christ, nor, with a zone, of five digits.
  bool is_writable(int year) const { return year > 0 && (!zoned_ || year <= date_max.year); }

  Value text_of(const Date& date, int64 time) const {
    char* text = new_buffer();
    char* end = write_date(text, date.year, date);
    end = write_character(end, options_.timestamps_iso8601 ? 'T' : ' ');
    end = write_time(end, time, options_);
    if (zoned_) end = write_character(end, 'Z');
    return text_between(text, end);
  }

  ValueOptions options_;
  bool zoned_;
};

}  // namespace

const ValueConverter* create_time_converter(Oid type, const ValueOptions& options) {
  switch (type) {
    case DATEOID:
      return create_in_context<DateConverter>();
    case TIMEOID:
      return create_in_context<TimeConverter>(options);
    case TIMESTAMPOID:
      return create_in_context<TimestampConverter>(options, false);
    case TIMESTAMPTZOID:
      return create_in_context<TimestampConverter>(options, true);
    default:
      return nullptr;
  }
}

}  // namespace brigade
