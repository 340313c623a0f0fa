#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admin/diagnostics.h"
#include "http/router.h"
#include "storage/pool.h"

namespace brigade::sidecar {

/// The administration API that the `powersync` command line tool and dashboards use, with the
/// bearer tokens of `api.tokens`.
class AdminEndpoints {
 public:
  struct Options {
    std::vector<std::string> tokens;
    std::string database_uri;  ///< shown without password
    bool execute_sql = false;  ///< whether holders of a token may run queries
    /// True when the service's own configuration holds the sync config: the API must not change it.
    bool sync_config_is_fixed = false;
  };

  AdminEndpoints(ConnectionPool& pool, Options options)
      : pool_(pool), options_(std::move(options)) {}

  void configure(Options options) { options_ = std::move(options); }
  void add_to(Router& router);

 private:
  using ExchangePointer = std::shared_ptr<Exchange>;
  using Json = OrderedJson;
  using Handle = void (AdminEndpoints::*)(const ExchangePointer&, const Json& body);

  void add(Router& router, const char* method, const char* path, Handle handle);
  bool may_enter(const HttpRequest& request) const;
  void diagnostics(const ExchangePointer& exchange, const Json& body);
  void reprocess(const ExchangePointer& exchange, const Json& body);
  void reprocess_rules(const ExchangePointer& exchange, const Json& body);
  void current_rules(const ExchangePointer& exchange, const Json& body);
  void execute_sql(const ExchangePointer& exchange, const Json& body);
  void schema(const ExchangePointer& exchange, const Json& body);
  void validate(const ExchangePointer& exchange, const Json& body);
  void validate_rules(const ExchangePointer& exchange, const Json& body);
  void deploy_rules(const ExchangePointer& exchange, const Json& body);
  void cancel_deploy(const ExchangePointer& exchange, const Json& body);

  /// Calls `then` with what `brigade.diagnostics` answers.
  void diagnose(const ExchangePointer& exchange, std::function<void(const Json&)> then);
  /// Compares all tables with what buckets hold, unless a deploy is under way; calls `then` with
  /// the slot's name.
  void reconcile(const ExchangePointer& exchange, std::function<void(const Json&)> then);
  /// Runs a statement whose one text column `then` gets; answers with the error otherwise.
  void query(const ExchangePointer& exchange, const Statement& statement,
             std::vector<std::string> parameters, std::function<void(std::string_view)> then);

  ConnectionPool& pool_;
  Options options_;
};

}  // namespace brigade::sidecar
