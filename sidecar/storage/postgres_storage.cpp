#include "storage/postgres_storage.h"

#include <endian.h>

#include <cstring>

#include "storage/answer_decoding.h"

namespace brigade::sidecar {

namespace {

constexpr Statement resolve_statement{"resolve", "SELECT brigade.resolve($1::jsonb)"};
constexpr Statement create_write_checkpoint_statement{
    "create_write_checkpoint", "SELECT brigade.create_write_checkpoint($1::text, $2::text)"};
constexpr Statement request_checkpoint_statement{
    "request_checkpoint", "SELECT brigade.request_checkpoint($1::text, $2::text, $3::bigint)"};
// What follows the row whose data pass `batch_bytes_max` ($5) stays in Postgres. The second part
// finds the CLEAR beyond the range that took the place of the range's operations.
constexpr Statement read_statement{
    "read_operations",
    "(SELECT op_id, op, object_type, object_id, subkey, checksum, data, target_op_id"
    " FROM (SELECT *, sum(octet_length(data)) OVER (ORDER BY op_id"
    " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before"
    " FROM (SELECT * FROM brigade.operation WHERE bucket = $1::bigint AND op_id > $2::bigint"
    " AND op_id <= $3::bigint ORDER BY op_id LIMIT $4::integer) AS found) AS summed"
    " WHERE coalesce(bytes_before, 0) <= $5::bigint)"
    " UNION ALL SELECT * FROM"
    " (SELECT op_id, op, object_type, object_id, subkey, checksum, data, target_op_id"
    " FROM brigade.operation WHERE bucket = $1::bigint AND op_id > $2::bigint"
    " ORDER BY op_id LIMIT 1) AS next WHERE op = 'C' AND op_id > $3::bigint"};

/// The same of several ranges together; `place` is that of the range, from 1. Rows beyond the limit
/// come without data, and say so, because a range without rows would be one that lost them.
constexpr Statement read_ranges_statement{
    "read_ranges",
    "SELECT op_id, op, object_type, object_id, subkey, checksum,"
    " CASE WHEN NOT is_cut THEN data END, target_op_id, place, is_cut"
    " FROM (SELECT *, coalesce(sum(octet_length(data)) OVER (ORDER BY place, op_id"
    " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) > $5::bigint AS is_cut"
    " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])"
    " WITH ORDINALITY AS wanted (wanted_bucket, after, until, place), LATERAL ("
    "(SELECT op_id, op, object_type, object_id, subkey, checksum, data, target_op_id"
    " FROM brigade.operation WHERE bucket = wanted_bucket AND op_id > after AND op_id <= until"
    " ORDER BY op_id LIMIT $4::integer)"
    " UNION ALL SELECT * FROM"
    " (SELECT op_id, op, object_type, object_id, subkey, checksum, data, target_op_id"
    " FROM brigade.operation WHERE bucket = wanted_bucket AND op_id > after"
    " ORDER BY op_id LIMIT 1) AS next WHERE op = 'C' AND op_id > until) AS found) AS summed"
    " ORDER BY place, op_id"};

enum Column {
  op_id,
  op,
  object_type,
  object_id,
  subkey,
  checksum,
  data,
  target_op_id,
  place,
  is_cut
};

int64_t to_int64(const PGresult* result, int row, int column) {
  if (PQgetlength(result, row, column) != sizeof(int64_t)) return 0;
  uint64_t big_endian = 0;
  std::memcpy(&big_endian, PQgetvalue(result, row, column), sizeof big_endian);
  return static_cast<int64_t>(be64toh(big_endian));
}

std::string_view to_text(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column), static_cast<size_t>(PQgetlength(result, row, column))};
}

Operation to_operation(const PGresult* result, int row) {
  Operation operation;
  operation.op_id = to_int64(result, row, Column::op_id);
  operation.kind = static_cast<OperationKind>(*PQgetvalue(result, row, Column::op));
  operation.object_type = to_text(result, row, Column::object_type);
  operation.object_id = to_text(result, row, Column::object_id);
  operation.subkey = to_text(result, row, Column::subkey);
  operation.checksum = static_cast<uint32_t>(to_int64(result, row, Column::checksum));
  bool has_data = PQgetisnull(result, row, Column::data) == 0;
  if (has_data) operation.data = to_text(result, row, Column::data);
  operation.target_op_id = to_int64(result, row, Column::target_op_id);
  return operation;
}

/// The operations of the range up to `until` in the rows from `first` to before `last`.
OperationRows to_rows(const std::shared_ptr<const PGresult>& result, int first, int last,
                      int64_t until) {
  OperationRows rows;
  rows.operations.reserve(static_cast<size_t>(last - first));
  for (int row = first; row < last; row++) {
    Operation operation = to_operation(result.get(), row);
    if (operation.op_id > until) {
      rows.cleared_until = operation.op_id;
      break;
    }
    rows.operations.push_back(operation);
  }
  rows.owner = result;
  return rows;
}

std::vector<OperationRows> to_rows_of_ranges(const std::shared_ptr<const PGresult>& result,
                                             const std::vector<OperationRange>& ranges) {
  std::vector<OperationRows> answers;
  answers.reserve(ranges.size());
  int count = PQntuples(result.get());
  int row = 0;
  for (const OperationRange& range : ranges) {
    int first = row;
    int whole = first;
    auto number = static_cast<int64_t>(answers.size() + 1);
    for (; row < count && to_int64(result.get(), row, Column::place) == number; row++) {
      if (*PQgetvalue(result.get(), row, Column::is_cut) == 0) whole = row + 1;
    }
    answers.push_back(to_rows(result, first, whole, range.until));
    answers.back().was_read = whole > first || row == first;
  }
  return answers;
}

/// `{1,2,…}` of one member of all ranges.
std::string array_of(const std::vector<OperationRange>& ranges, int64_t OperationRange::*member) {
  std::string text = "{";
  for (const OperationRange& range : ranges) {
    if (text.size() > 1) text += ',';
    text += std::to_string(range.*member);
  }
  return text + "}";
}

std::function<void(Result<PgResult, StorageError>)> to_id(StorageCallback<int64_t> done) {
  return [done = std::move(done)](Result<PgResult, StorageError> result) {
    if (result) {
      done(to_int64(result->get(), 0, 0));
    } else {
      done(result.error());
    }
  };
}

}  // namespace

std::string_view single_text(const PGresult* result) { return to_text(result, 0, 0); }

PostgresStorage::PostgresStorage(ConnectionPool& read_pool, ConnectionPool& write_pool)
    : read_pool_(read_pool), write_pool_(write_pool) {
  read_pool_.set_warm_up(resolve_statement, {R"({"user_id":"","token":{}})"});
}

void PostgresStorage::resolve(std::string request_json, StorageCallback<Resolution> done) {
  read_pool_.run(resolve_statement, {std::move(request_json)},
                 [done = std::move(done)](Result<PgResult, StorageError> result) {
                   if (result) {
                     done(decode_resolution(single_text(result->get())));
                   } else {
                     done(result.error());
                   }
                 });
}

void PostgresStorage::read_operations(const OperationRange& range,
                                      StorageCallback<OperationRows> done) {
  read_pool_.run(
      read_statement,
      {std::to_string(range.bucket), std::to_string(range.after), std::to_string(range.until),
       std::to_string(operations_per_batch_max), std::to_string(batch_bytes_max)},
      [done = std::move(done), until = range.until](Result<PgResult, StorageError> result) {
        if (result) {
          std::shared_ptr<const PGresult> rows(std::move(*result));
          done(to_rows(rows, 0, PQntuples(rows.get()), until));
        } else {
          done(result.error());
        }
      });
}

void PostgresStorage::read_ranges(const std::vector<OperationRange>& ranges,
                                  StorageCallback<std::vector<OperationRows>> done) {
  read_pool_.run(
      read_ranges_statement,
      {array_of(ranges, &OperationRange::bucket), array_of(ranges, &OperationRange::after),
       array_of(ranges, &OperationRange::until), std::to_string(operations_per_batch_max),
       std::to_string(batch_bytes_max)},
      [done = std::move(done), ranges](Result<PgResult, StorageError> result) {
        if (result) {
          done(to_rows_of_ranges(std::shared_ptr<const PGresult>(std::move(*result)), ranges));
        } else {
          done(result.error());
        }
      });
}

void PostgresStorage::create_write_checkpoint(const std::string& user_id,
                                              const std::string& client_id,
                                              StorageCallback<int64_t> done) {
  write_pool_.run(create_write_checkpoint_statement, {user_id, client_id}, to_id(std::move(done)));
}

void PostgresStorage::request_checkpoint(const std::string& user_id, const std::string& client_id,
                                         int64_t request_id, StorageCallback<int64_t> done) {
  write_pool_.run(request_checkpoint_statement, {user_id, client_id, std::to_string(request_id)},
                  to_id(std::move(done)));
}

}  // namespace brigade::sidecar
