#include "storage/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>

namespace brigade {

namespace {

uint64_t hash(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace

uint32_t operation_checksum(const ChecksummedOperation& operation) {
  // Each field's hash seeds the next, so that no byte can move from one field to another unnoticed.
  uint64_t sum = static_cast<unsigned char>(operation.kind);
  for (const std::string_view field :
       std::array{operation.object_type, operation.object_id, operation.subkey, operation.data}) {
    sum = hash(field, sum);
  }
  return static_cast<uint32_t>(sum);
}

int64_t key_hash(int32_t definition, std::string_view key) {
  return static_cast<int64_t>(hash(key, static_cast<uint64_t>(definition)));
}

}  // namespace brigade
