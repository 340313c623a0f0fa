#pragma once

#include <cstddef>
#include <cstdint>

// The extension's settings (docs/settings.md), as the server has them now.
namespace brigade::pg {

// Called once, when the library is loaded.
void define_settings();

struct Settings {
  bool compaction;                 // in the background
  int compaction_delay_s;          // younger operations are left alone
  double compaction_change_ratio;  // share of a bucket's operations that is worth a pass
  int compaction_rate;             // operations examined a second by a process; 0: no limit
  size_t compaction_memory_bytes;  // of one process, for the rows it tracks
  int compaction_workers;          // processes at a time
  double defragmentation_ratio;    // operations for each row that are too many; 0: never
  double defragmentation_share;    // of a bucket's rows that may be appended again in a day
  int copy_rate;                   // rows of tables copied a second; 0: no limit
  int copy_readers;                // processes that read large tables for copies
  int64_t copy_reader_blocks_min;  // a table with so many blocks left to read is large
  int progress_log_interval_ms;    // between two log lines about a table being copied; 0: none
  int rollback_window_s;           // the previous config's data is kept up to date so long
  int pruning_interval_s;
  int commit_log_retention_s;
  int write_checkpoint_retention_days;
  int config_retention_days;
  int error_retention_days;
};
Settings settings();

}  // namespace brigade::pg
