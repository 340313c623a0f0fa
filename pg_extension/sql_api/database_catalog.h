#pragma once

#include "sync_config/catalog.h"

namespace brigade {

// The catalog of this database, as the calling statement sees it.
// REQUIRES: an SqlScope.
class DatabaseCatalog : public Catalog {
 public:
  std::vector<SourceTable> tables() override;
};

}  // namespace brigade
