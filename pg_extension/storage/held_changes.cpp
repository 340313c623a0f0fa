#include "storage/held_changes.h"

#include <algorithm>
#include <tuple>

namespace brigade {

namespace {

auto key_of(const HeldChanges::Change& change) {
  return std::make_tuple(change.row.bucket, view(change.subkey),
                         std::string_view(change.row.object_type),
                         std::string_view(change.row.object_id));
}

}  // namespace

void HeldChanges::enter(int32_t definition, int64_t bucket, bool read_before) {
  definition_ = definition;
  bucket_ = bucket;
  read_before_ = read_before;
  bucket_start_ = changes_.size();
}

void HeldChanges::put(const Subkey& subkey, std::string_view object_type,
                      std::string_view object_id, uint32_t checksum) {
  add(subkey, {bucket_, checksum, std::string(object_type), std::string(object_id)}, true);
}

void HeldChanges::remove(const Subkey& subkey, std::string_view object_type,
                         std::string_view object_id) {
  add(subkey, {bucket_, 0, std::string(object_type), std::string(object_id)}, false);
}

void HeldChanges::add(const Subkey& subkey, HeldRow row, bool held) {
  changes_.push_back({definition_, subkey, std::move(row), held, read_before_});
}

void HeldChanges::clear() {
  changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(bucket_start_), changes_.end());
  read_before_ = false;
}

std::vector<HeldChanges::Change> HeldChanges::take() {
  std::ranges::stable_sort(changes_, {}, key_of);
  const auto same = [](const Change& one, const Change& other) {
    return key_of(one) == key_of(other);
  };
  // Of a row's changes the last counts.
  const auto replaced = std::unique(changes_.rbegin(), changes_.rend(), same);
  changes_.erase(changes_.begin(), replaced.base());
  bucket_start_ = 0;
  return std::exchange(changes_, {});
}

}  // namespace brigade
