#pragma once

#include <string_view>

#include "storage/primary_monitor.h"
#include "storage/storage.h"

namespace brigade::sidecar {

/// Decode the JSON that `brigade.resolve`, `changes` and `sidecar_status` answer
/// (docs/sidecar-interface.md). An error means that the extension and the sidecar do not match.
/// A list for each range that was read. The texts are those of `answer`, which `owner` keeps alive.
Result<std::vector<OperationRows>, StorageError> decode_operations(
    std::string_view answer, const std::shared_ptr<const void>& owner);
Result<Resolution, StorageError> decode_resolution(std::string_view json);
Result<Changes, StorageError> decode_changes(std::string_view json, int64_t after);
Result<ReplicationStatus, StorageError> decode_status(std::string_view json);

/// The error of an answer of `function` that cannot be decoded.
StorageError unknown_form(const char* function, const std::string& problem);

}  // namespace brigade::sidecar
