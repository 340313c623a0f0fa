#pragma once

#include <string>

#include "storage/pool.h"
#include "storage/storage.h"

namespace brigade::sidecar {

/// Storage in Postgres: reads through one pool, which may lead to a standby, writes through one
/// to the primary.
class PostgresStorage : public Storage {
 public:
  PostgresStorage(ConnectionPool& read_pool, ConnectionPool& write_pool);

  void resolve(std::string request_json, StorageCallback<Resolution> done) override;
  void read_operations(const std::vector<OperationRange>& ranges,
                       StorageCallback<std::vector<OperationRows>> done) override;
  void create_write_checkpoint(const std::string& user_id, const std::string& client_id,
                               StorageCallback<int64_t> done) override;
  void request_checkpoint(const std::string& user_id, const std::string& client_id,
                          int64_t request_id, StorageCallback<int64_t> done) override;

 private:
  ConnectionPool& read_pool_;
  ConnectionPool& write_pool_;
};

/// The bytes of a one-row, one-column answer in binary format, such as a text.
std::string_view single_text(const PGresult* result);

}  // namespace brigade::sidecar
