#pragma once

#include <cstdint>
#include <string_view>

namespace brigade {

// The fields of an operation that its checksum covers.
struct ChecksummedOperation {
  char kind;  // P or R
  std::string_view object_type;
  std::string_view object_id;
  std::string_view subkey;
  std::string_view data;
};

// XXH3 over the fields, cut to 32 bits. Clients only add checksums up, so the hash is ours to
// choose.
uint32_t operation_checksum(const ChecksummedOperation& operation);

// Names a lookup key in brigade.lookup, the commit log and a session's dependencies, and the
// parameters of a bucket in brigade.bucket. Two keys may share a hash: readers of rows compare the
// key itself, and a session resolves once too often.
int64_t key_hash(int32_t definition, std::string_view key);

}  // namespace brigade
