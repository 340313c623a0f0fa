#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sync_config/expression.h"

namespace brigade {

// An expression as a person would write it: done = 0, auth.parameter('role') = 'admin'.
std::string readable(const Expression& expression);

// Expressions and the values they have, given as JSON texts: owner_id = "anna" AND part = 1.
std::string readable_values(const std::vector<Expression>& expressions,
                            const std::vector<std::string_view>& values);

// Conditions all of which hold: done = 0 AND part = 1. Empty if there are none.
std::string readable_conditions(const std::vector<Expression>& conditions);

}  // namespace brigade
