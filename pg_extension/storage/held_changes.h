#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "decoding/change_message.h"

namespace brigade {

// A row as one bucket holds it, by the newest operation on it.
struct HeldRow {
  int64_t bucket;
  uint32_t checksum;  // of the put
  std::string object_type;
  std::string object_id;
};

// What a part of the histories of buckets, read in their order, does to the rows that are known to
// be held from the parts before it.
class HeldChanges {
 public:
  struct Change {
    int32_t definition;
    Subkey subkey;
    HeldRow row;
    bool held;         // by a put; otherwise it was removed
    bool held_before;  // perhaps, from an earlier part: that is to be forgotten
  };

  // The operations that follow are of this bucket. `read_before`: earlier parts had some of it.
  void enter(int32_t definition, int64_t bucket, bool read_before);
  void put(const Subkey& subkey, std::string_view object_type, std::string_view object_id,
           uint32_t checksum);
  void remove(const Subkey& subkey, std::string_view object_type, std::string_view object_id);
  // A CLEAR. What earlier parts had of the bucket is to be forgotten too: the removal of any of it
  // may be in the CLEAR, and what is still held comes again after it.
  void clear();

  bool read_before() const { return read_before_; }
  size_t size() const { return changes_.size(); }
  // One change for each row, the newest, ordered by bucket and subkey.
  std::vector<Change> take();

 private:
  void add(const Subkey& subkey, HeldRow row, bool held);

  int32_t definition_ = 0;
  int64_t bucket_ = 0;
  bool read_before_ = false;
  size_t bucket_start_ = 0;
  std::vector<Change> changes_;
};

}  // namespace brigade
