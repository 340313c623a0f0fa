#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sync_config/expression.h"

// What to write instead of a name that means nothing.
namespace brigade {

// The most similar of `names`, if one is similar at all: a typing error in three letters or so.
std::optional<std::string> most_similar(const std::string& name,
                                        const std::vector<std::string>& names);

// A name that a query's FROM gives.
struct VisibleSource {
  std::string name;
  bool any_column = false;  // a table, whose columns are not known here
  std::vector<std::string> columns;
};

// Of a column that none of the sources has.
std::string remedy_of_column(const Expression& column, const std::vector<VisibleSource>& sources);

// Of a function that is none of `known`, none of the request and none of a table.
std::string remedy_of_function(const Expression& call, const std::vector<std::string>& known);

}  // namespace brigade
