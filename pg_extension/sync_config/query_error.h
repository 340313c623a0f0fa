#pragma once

#include <stdexcept>
#include <string>

#include "sync_config/expression.h"

namespace brigade {

// A query that is outside the language. Thrown and caught within sync_config only: it becomes a
// Diagnostic with a line and a column.
class QueryError : public std::runtime_error {
 public:
  QueryError(SourceOffset offset, const std::string& message, std::string remedy)
      : std::runtime_error(message), offset_(offset), remedy_(std::move(remedy)) {}

  SourceOffset offset() const { return offset_; }
  const std::string& remedy() const { return remedy_; }

 private:
  SourceOffset offset_;
  std::string remedy_;
};

}  // namespace brigade
