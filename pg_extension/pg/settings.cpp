#include "pg/settings.h"

#include <algorithm>
#include <cfloat>
#include <climits>

#include "pg/server.h"

extern "C" {
#include "optimizer/paths.h"
#include "utils/guc.h"
}

#include "pg/compatibility.h"

namespace brigade::pg {

namespace {

bool compaction = true;
int compaction_delay_s = 300;
double compaction_change_ratio = 0.2;
int compaction_rate = 100000;
int compaction_memory_kb = 64 * 1024;
int compaction_workers = 1;
double defragmentation_ratio = 2;
double defragmentation_share = 0.25;
int copy_rate = 0;
int copy_readers = 2;
int progress_log_interval_ms = 10000;
int rollback_window_s = 3600;
int pruning_interval_s = 60;
int commit_log_retention_s = 3600;
int write_checkpoint_retention_days = 90;
int config_retention_days = 30;
int error_retention_days = 30;

void define_integer(const char* name, const char* meaning, int* value, int min, int max,
                    int unit_flag = 0) {
  DefineCustomIntVariable(name, meaning, nullptr, value, *value, min, max, PGC_SIGHUP, unit_flag,
                          nullptr, nullptr, nullptr);
}

void define_real(const char* name, const char* meaning, double* value, double min, double max) {
  DefineCustomRealVariable(name, meaning, nullptr, value, *value, min, max, PGC_SIGHUP, 0, nullptr,
                           nullptr, nullptr);
}

void define_compaction() {
  DefineCustomBoolVariable("pg_brigade.compaction", "Compacts buckets in the background.", nullptr,
                           &compaction, compaction, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
  define_integer("pg_brigade.compaction_delay",
                 "Operations younger than this are not merged in the background.",
                 &compaction_delay_s, 0, 86400, GUC_UNIT_S);
  define_real("pg_brigade.compaction_change_ratio",
              "Share of a bucket's operations that must be new before it is compacted.",
              &compaction_change_ratio, 0.01, 10);
  define_integer("pg_brigade.compaction_rate",
                 "Operations a compaction process examines in a second; 0 means no limit.",
                 &compaction_rate, 0, INT_MAX);
  define_integer("pg_brigade.compaction_memory",
                 "Memory a compaction process uses to know rows again.", &compaction_memory_kb,
                 1024, MAX_KILOBYTES, GUC_UNIT_KB);
  define_integer("pg_brigade.compaction_workers", "Buckets compacted at a time.",
                 &compaction_workers, 1, 16);
}

void define_defragmentation() {
  define_real("pg_brigade.defragmentation_ratio",
              "Operations for each row of a bucket above which its oldest rows are appended again; "
              "0 means never.",
              &defragmentation_ratio, 0, DBL_MAX);
  define_real("pg_brigade.defragmentation_share",
              "Share of a bucket's rows that may be appended again in a day.",
              &defragmentation_share, 0, 100);
}

void define_copying() {
  define_integer("pg_brigade.copy_rate",
                 "Rows of tables copied in a second, after a deploy for example; 0 means no limit.",
                 &copy_rate, 0, INT_MAX);
  define_integer("pg_brigade.copy_readers",
                 "Large tables copied at a time, each read by a process of its own; 0 means that "
                 "the worker reads them, one after the other.",
                 &copy_readers, 0, 16);
  define_integer("pg_brigade.progress_log_interval",
                 "Time between two lines of the log about a table being copied; 0 means none.",
                 &progress_log_interval_ms, 0, 86400000, GUC_UNIT_MS);
}

void define_retention() {
  define_integer("pg_brigade.rollback_window",
                 "How long the data of the previous sync config is kept up to date, so that "
                 "deploying it again takes effect at once.",
                 &rollback_window_s, 0, 30 * 86400, GUC_UNIT_S);
  define_integer("pg_brigade.pruning_interval", "Time between two looks for what may be deleted.",
                 &pruning_interval_s, 1, 86400, GUC_UNIT_S);
  define_integer("pg_brigade.commit_log_retention",
                 "How far behind a sidecar may be without resolving its sessions again.",
                 &commit_log_retention_s, 1, 7 * 86400, GUC_UNIT_S);
  define_integer("pg_brigade.write_checkpoint_retention",
                 "Days for which the write checkpoint of a client that makes no others is kept.",
                 &write_checkpoint_retention_days, 1, 3650);
  define_integer("pg_brigade.config_retention",
                 "Days for which the text of a sync config that is not in force is kept.",
                 &config_retention_days, 1, 3650);
  define_integer("pg_brigade.error_retention",
                 "Days for which it is told that a row could not be processed.",
                 &error_retention_days, 1, 3650);
}

}  // namespace

void define_settings() {
  define_compaction();
  define_defragmentation();
  define_copying();
  define_retention();
  reserve_setting_prefix("pg_brigade");
}

Settings settings() {
  Settings current{};
  current.compaction = compaction;
  current.compaction_delay_s = compaction_delay_s;
  current.compaction_change_ratio = compaction_change_ratio;
  current.compaction_rate = compaction_rate;
  current.compaction_memory_bytes = static_cast<size_t>(compaction_memory_kb) * 1024;
  current.compaction_workers = compaction_workers;
  current.defragmentation_ratio = defragmentation_ratio;
  current.defragmentation_share = defragmentation_share;
  current.copy_rate = copy_rate;
  current.copy_readers = copy_readers;
  current.copy_reader_blocks_min = min_parallel_table_scan_size;
  current.progress_log_interval_ms = progress_log_interval_ms;
  current.rollback_window_s = rollback_window_s;
  current.pruning_interval_s = pruning_interval_s;
  // Compaction finds in the log which operations are old enough; it may be late.
  current.commit_log_retention_s = std::max(commit_log_retention_s, 2 * compaction_delay_s);
  current.write_checkpoint_retention_days = write_checkpoint_retention_days;
  current.config_retention_days = config_retention_days;
  current.error_retention_days = error_retention_days;
  return current;
}

}  // namespace brigade::pg
