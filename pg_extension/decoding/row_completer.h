#pragma once

#include <map>
#include <string>

#include "decoding/change_message.h"

namespace brigade {

// The out-of-line values kept for a row: attribute number → value, as in OutOfLineChange.
using KeptValues = std::map<int16_t, std::string>;

// Evaluates rows that decoding had to leave incomplete.
class RowCompleter {
 public:
  virtual ~RowCompleter() = default;
  // Appends the messages that say what `row` means, with the missing values taken from `kept`, or
  // from the table if it has them still. If not, the row is removed: a change that is still to come
  // took the value away. Throws pg::Error.
  virtual void complete(IncompleteRow row, const KeptValues& kept, std::string& messages) = 0;
};

}  // namespace brigade
