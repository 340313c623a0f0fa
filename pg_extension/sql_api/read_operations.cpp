#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "pg/index_lookup.h"
#include "sql_api/text_function.h"

extern "C" {
#include "utils/array.h"
}

namespace brigade {

namespace {

// One row of the argument, as it lies in the array.
struct Range {
  int64_t bucket;
  int64_t after;
  int64_t until;
};

constexpr int range_columns = sizeof(Range) / sizeof(int64_t);

std::span<const Range> ranges_argument(FunctionCallInfo fcinfo, int index) {
  const Datum datum = fcinfo->args[index].value;
  ArrayType* array = pg::guard([&] { return DatumGetArrayTypeP(datum); });
  if (ARR_NDIM(array) == 0) return {};
  if (ARR_NDIM(array) != 2 || ARR_DIMS(array)[1] != range_columns || ARR_HASNULL(array)) {
    throw pg::Error("22023", "ranges must be a list of bucket, after and until", {},
                    "Write, for example, {{7,0,15},{8,0,15}}.");
  }
  return {reinterpret_cast<const Range*>(ARR_DATA_PTR(array)),
          static_cast<size_t>(ARR_DIMS(array)[0])};
}

// Of brigade.bucket_op.
constexpr int column_op_id = 1;
constexpr int column_checksum = 2;
constexpr int column_target_op_id = 3;
constexpr int column_op = 4;
constexpr int column_subkey = 5;
constexpr int column_object_type = 6;
constexpr int column_object_id = 7;
constexpr int column_data = 8;

constexpr char clear = 'C';
constexpr char end_of_range = '\0';
constexpr int32_t null_size = -1;
constexpr int32_t uuid_text_size = 36;

// Reads ranges until it has read enough, and writes down what it reads, in the form that
// docs/sidecar-interface.md describes. What is done for each row of a result between here and the
// sidecar would take longer than reading it.
class RangeReader {
 public:
  RangeReader(int64_t operations_left, int64_t bytes_left)
      : operations_left_(operations_left), bytes_left_(bytes_left) {}

  std::string read(std::span<const Range> ranges) {
    for (const Range& range : ranges) {
      if (!goes_on()) break;
      read_range(range);
    }
    return std::move(answer_);
  }

 private:
  // The operation that passes the limit of bytes is the last.
  bool goes_on() const { return operations_left_ > 0 && bytes_left_ >= 0; }

  void read_range(const Range& range) {
    int64_t cleared_until = 0;
    bool is_first = true;
    for (rows_.start({range.bucket, range.after}); goes_on() && rows_.next(); is_first = false) {
      const int64_t op_id = rows_.bigint(column_op_id);
      if (op_id > range.until) {
        if (is_first && rows_.character(column_op) == clear) cleared_until = op_id;
        break;
      }
      append_operation();
    }
    answer_ += end_of_range;
    append_number(cleared_until);
  }

  void append_operation() {
    answer_ += rows_.character(column_op);
    append_number(rows_.bigint(column_op_id));
    append_number(rows_.is_null(column_target_op_id) ? 0 : rows_.bigint(column_target_op_id));
    append_number(static_cast<int32_t>(rows_.bigint(column_checksum)));
    append_text(column_object_type);
    append_text(column_object_id);
    append_uuid(column_subkey);
    bytes_left_ -= append_text(column_data);
    operations_left_--;
  }

  template <typename Number>
  void append_number(Number number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    if constexpr (std::endian::native == std::endian::little) std::ranges::reverse(bytes);
    answer_.append(bytes, sizeof number);
  }

  // The answer is how long the text is.
  int64_t append_text(int column) {
    if (rows_.is_null(column)) {
      append_number(null_size);
      return 0;
    }
    const std::string_view text = rows_.text(column);
    append_number(static_cast<int32_t>(text.size()));
    answer_ += text;
    return static_cast<int64_t>(text.size());
  }

  void append_uuid(int column) {
    static constexpr char digits[] = "0123456789abcdef";
    if (rows_.is_null(column)) {
      append_number(null_size);
      return;
    }
    append_number(uuid_text_size);
    const auto uuid = rows_.uuid(column);
    for (size_t i = 0; i < uuid.size(); i++) {
      if (i == 4 || i == 6 || i == 8 || i == 10) answer_ += '-';
      answer_ += digits[uuid[i] >> 4];
      answer_ += digits[uuid[i] & 15];
    }
  }

  std::string answer_;
  int64_t operations_left_;
  int64_t bytes_left_;
  pg::IndexLookup rows_{"bucket_op", "bucket_op_pkey", 2, pg::IndexLookup::LastColumn::greater};
};

}  // namespace

}  // namespace brigade

extern "C" {
PG_FUNCTION_INFO_V1(brigade_read_operations);

PGDLLEXPORT Datum brigade_read_operations(PG_FUNCTION_ARGS) {
  return brigade::pg::edge([&] {
    brigade::RangeReader reader(DatumGetInt32(fcinfo->args[1].value),
                                DatumGetInt64(fcinfo->args[2].value));
    // bytea and text are the same bytes.
    return brigade::text_result(reader.read(brigade::ranges_argument(fcinfo, 0)));
  });
}
}
