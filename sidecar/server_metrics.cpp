// The numbers of /metrics.
#include "metrics/metrics.h"

#include <cmath>

#include "server.h"

namespace brigade::sidecar {

namespace {

void append_replication(MetricsText& text, const ReplicationStatus& status) {
  text.gauge("powersync_replication_lag_seconds",
             "Replication lag between the source database and storage",
             std::llround(status.lag_seconds));
  text.gauge("brigade_replication_lag_bytes", "WAL that is not stored yet", status.lag_bytes);
  text.gauge("brigade_replicated_operations_per_second",
             "Operations stored a second, over the last minute",
             std::llround(status.operations_per_second));
  text.gauge("brigade_tables_to_copy", "Tables that wait to be copied, or are being copied",
             status.tables_to_copy);
  text.gauge("brigade_row_errors", "Rows that could not be processed", status.row_errors);
  text.gauge("powersync_operation_storage_size_bytes", "Size of operations stored",
             status.operation_bytes);
  text.gauge("powersync_parameter_storage_size_bytes", "Size of lookup entries stored",
             status.lookup_bytes);
  text.gauge("powersync_replication_storage_size_bytes", "Size of what is kept of source rows",
             status.row_bytes);
}

void append_compaction(MetricsText& text, const CompactionStatus& status) {
  auto counter = [&text](const char* name, const char* help, int64_t value) {
    text.counter(name, help, static_cast<uint64_t>(value));
  };
  counter("brigade_compactions_total", "Buckets compacted", status.compactions);
  counter("brigade_compaction_examined_operations_total", "Operations read by compaction",
          status.examined);
  counter("brigade_compaction_moved_operations_total", "Operations emptied by compaction",
          status.moved);
  counter("brigade_compaction_deleted_operations_total", "Operations deleted by compaction",
          status.deleted);
  counter("brigade_compaction_reappended_operations_total",
          "Rows appended again by defragmentation", status.reappended);
  text.gauge("brigade_compaction_due_buckets", "Buckets that wait for compaction",
             status.buckets_due);
  text.gauge("brigade_compaction_behind_seconds", "For how long a bucket has been waiting at most",
             std::llround(status.behind_seconds));
}

}  // namespace

std::string Server::metrics_text() const {
  MetricsText text;
  text.info("target_info", "Target metadata",
            "service=\"pg_brigade\",service_version=\"" BRIGADE_VERSION "\"");
  text.counter("powersync_data_synced_bytes_total", "Uncompressed size of synced data",
               counts_.data_synced_bytes + endpoints_->open_stream_counts().data_synced_bytes);
  text.counter("powersync_data_sent_bytes_total",
               "Size of data sent to clients, after compression if applicable",
               counts_.data_sent_bytes + endpoints_->open_stream_counts().data_sent_bytes);
  text.counter("powersync_operations_synced_total", "Number of operations synced",
               counts_.operations_synced + endpoints_->open_stream_counts().operations_synced);
  text.gauge("powersync_concurrent_connections", "Number of concurrent sync connections",
             static_cast<int64_t>(endpoints_->session_count()));
  text.counter("brigade_streams_started_total", "Sync streams opened", counts_.streams_started);
  text.counter("brigade_streams_ended_total", "Sync streams ended", counts_.streams_ended);
  text.counter("brigade_storage_reads_total", "Ranges of operations read from the database",
               batches_->read_count());
  text.gauge("brigade_kept_batch_size_bytes", "Encoded batches kept for other sessions",
             static_cast<int64_t>(batches_->kept_bytes()));
  text.gauge("brigade_storage_commit", "Storage commit up to which changes were read",
             hub_->position());
  text.gauge("brigade_subscribed_buckets", "Buckets that at least one session wants",
             static_cast<int64_t>(hub_->bucket_count()));
  ConnectionPool::Stats pool = read_pool_->stats();
  text.counter("brigade_database_queries_total", "Queries for sessions", pool.queries);
  text.counter("brigade_database_connections_lost_total", "Lost connections to the database",
               pool.connections_lost);
  text.gauge("brigade_database_queries_waiting", "Queries that wait for a connection",
             static_cast<int64_t>(pool.waiting));
  text.gauge("brigade_change_feed_connected", "1 while changes are followed",
             feed_->connected() ? 1 : 0);
  text.gauge("brigade_ready", "1 while the readiness probe succeeds", health().ready ? 1 : 0);
  if (monitor_->status()) {
    append_replication(text, *monitor_->status());
    append_compaction(text, monitor_->status()->compaction);
  }
  return text.take();
}

}  // namespace brigade::sidecar
