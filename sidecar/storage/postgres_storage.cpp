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
constexpr Statement read_operations_statement{
    "read_operations", "SELECT brigade.read_operations($1::bigint[], $2::integer, $3::bigint)"};

int64_t single_int64(const PGresult* result) {
  std::string_view bytes = single_text(result);
  uint64_t big_endian = 0;
  if (bytes.size() == sizeof big_endian) std::memcpy(&big_endian, bytes.data(), bytes.size());
  return static_cast<int64_t>(be64toh(big_endian));
}

/// `{{bucket,after,until},…}`
std::string to_array(const std::vector<OperationRange>& ranges) {
  std::string text = "{";
  for (const OperationRange& range : ranges) {
    if (text.size() > 1) text += ',';
    text += '{' + std::to_string(range.bucket) + ',' + std::to_string(range.after) + ',' +
            std::to_string(range.until) + '}';
  }
  return text + "}";
}

std::function<void(Result<PgResult, StorageError>)> to_id(StorageCallback<int64_t> done) {
  return [done = std::move(done)](Result<PgResult, StorageError> result) {
    if (result) {
      done(single_int64(result->get()));
    } else {
      done(result.error());
    }
  };
}

}  // namespace

std::string_view single_text(const PGresult* result) {
  return {PQgetvalue(result, 0, 0), static_cast<size_t>(PQgetlength(result, 0, 0))};
}

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

void PostgresStorage::read_operations(const std::vector<OperationRange>& ranges,
                                      StorageCallback<std::vector<OperationRows>> done) {
  read_pool_.run(
      read_operations_statement,
      {to_array(ranges), std::to_string(operations_per_read_max), std::to_string(read_bytes_max)},
      [done = std::move(done)](Result<PgResult, StorageError> result) {
        if (result) {
          std::shared_ptr<const PGresult> owner(std::move(*result));
          done(decode_operations(single_text(owner.get()), owner));
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
