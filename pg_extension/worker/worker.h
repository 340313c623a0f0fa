#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "decoding/decoder.h"
#include "pg/logical_slot.h"
#include "snapshot/catalog_watch.h"
#include "snapshot/copier.h"
#include "storage/bucket_cache.h"
#include "storage/catalog.h"

namespace brigade {

// The background worker of one database: carries out deploys, decodes the WAL, and stores what it
// means. Any exception ends the process; the postmaster starts it again, and it goes on from the
// last storage commit.
class Worker {
 public:
  explicit Worker(uint32_t database);

  // Returns when there is nothing to do for a worker in this database any more.
  void run();

 private:
  bool own_extension_and_lock();
  void load();
  bool has_work() const { return !plans_.empty(); }
  void look_for_deploy();
  void end_retention_if_due();
  bool lost_slot() const;
  void recover();
  void begin_deploy();
  void activate_if_filled();
  void watch_catalog();
  void look_again();
  void carry_out(const CatalogLook& look);
  bool copy_rows();
  bool copy_chunk();
  bool copy_part();
  void note_touched_rows();
  bool copies_too_fast() const;
  bool reappend_rows();
  void open_reader();
  void follow();
  void follow_to(uint64_t position);
  template <typename Write>
  void write_commit(uint64_t lsn, Write&& write);
  // Stores all that was decoded.
  void store(uint64_t lsn);
  void store_if_large();
  void confirm(uint64_t lsn);
  void confirm_idle_position();

  std::string slot_name_;
  MessageLog messages_;
  Decoder decoder_;
  BucketCache buckets_;
  Head head_;
  ActivePlans plans_;
  std::optional<PendingConfig> pending_;
  Copier copier_;
  bool reappend_wanted_ = true;  // compaction may have asked
  bool catalog_seen_ = false;    // since the plans changed last
  StoredUntil catalog_known_;    // when the catalog was as last seen, or the plans were loaded
  std::unique_ptr<pg::LogicalReader> reader_;
  uint64_t confirmed_lsn_ = 0;
  std::chrono::steady_clock::time_point confirmed_at_{};
  std::chrono::steady_clock::time_point copied_at_{};  // the last chunk or part
  bool part_is_next_ = false;
  std::chrono::steady_clock::time_point next_retention_check_{};
  std::chrono::steady_clock::time_point next_deploy_look_{};
};

}  // namespace brigade
