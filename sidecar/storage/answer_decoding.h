#pragma once

#include <string_view>

#include "storage/storage.h"

namespace brigade::sidecar {

/// Decode the JSON that `brigade.resolve` and `brigade.changes` answer
/// (docs/sidecar-interface.md). An error means that the extension and the sidecar do not match.
Result<Resolution, StorageError> decode_resolution(std::string_view json);
Result<Changes, StorageError> decode_changes(std::string_view json, int64_t after);

}  // namespace brigade::sidecar
