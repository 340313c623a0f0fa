#include "storage/storage_commit.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "pg/spi.h"
#include "storage/hash.h"

namespace brigade {

namespace {

constexpr int operation_columns = 9;

std::optional<EffectsView::Output> output_of(const EffectsView& effects, int32_t definition) {
  for (const EffectsView::Output& output : effects.outputs) {
    if (output.definition == definition) return output;
  }
  return std::nullopt;
}

LookupEntries lookups_of(const EffectsView& effects, int32_t definition) {
  LookupEntries entries;
  for (const EffectsView::Lookup& lookup : effects.lookups) {
    if (lookup.definition == definition) entries.emplace(lookup.key, lookup.value);
  }
  return entries;
}

uint32_t put_checksum(const Subkey& subkey, const EffectsView::Output& output) {
  return operation_checksum({'P', output.object_type, output.object_id, view(subkey), output.data});
}

bool contains(std::span<const int64_t> sorted, int64_t value) {
  return std::binary_search(sorted.begin(), sorted.end(), value);
}

bool is_held_still(const HeldRow& row, const Membership& after) {
  return contains(after.buckets, row.bucket) && row.object_type == after.object_type &&
         row.object_id == after.object_id;
}

void collect_names(const EffectsView& effects, std::vector<BucketCache::Name>& names) {
  for (const EffectsView::Output& output : effects.outputs) {
    for (const std::string_view parameters : output.parameters) {
      names.emplace_back(output.definition, parameters);
    }
  }
}

}  // namespace

// Messages up to the next one that must see everything before it in the tables.
struct StorageCommit::Batch {
  std::vector<RowChange> rows;
  std::vector<RowFailure> failures;
  std::deque<std::string> completed;  // messages that rows point into
};

StorageCommit::StorageCommit(BucketCache& buckets, Head& head, RowCompleter& completer)
    : buckets_(buckets),
      head_(head),
      operations_("brigade", "bucket_op", operation_columns),
      completer_(completer) {
  head_.commit_id++;
}

void StorageCommit::apply(std::string_view messages) {
  ByteReader reader(messages);
  Batch batch;
  read_into(batch, reader);
  apply_batch(batch);
  out_of_line_.flush();
}

void StorageCommit::apply_copied(std::string_view messages, const SubkeySet* held) {
  held_of_copied_ = held;
  apply(messages);
}

RowChange StorageCommit::read_copied_row(ByteReader& reader) const {
  RowChange row = decode_copied_row(reader);
  row.first = held_of_copied_ != nullptr && !held_of_copied_->contains(row.after.subkey);
  return row;
}

void StorageCommit::read_into(Batch& batch, ByteReader& reader) {
  while (!reader.at_end()) {
    switch (reader.integer<MessageKind>()) {
      case MessageKind::row_change:
        batch.rows.push_back(decode_row_change(reader));
        break;
      case MessageKind::copied_row:
        batch.rows.push_back(read_copied_row(reader));
        break;
      case MessageKind::incomplete_row:
        complete(batch, decode_incomplete_row(reader));
        break;
      case MessageKind::out_of_line_change:
        out_of_line_.apply(decode_out_of_line_change(reader));
        break;
      case MessageKind::row_failure:
        batch.failures.push_back(decode_row_failure(reader));
        break;
      case MessageKind::truncate:
        apply_batch(batch);
        batch = {};
        truncate(decode_truncate(reader));
        break;
      case MessageKind::identity_change:
        note(decode_identity_change(reader));
        break;
      case MessageKind::write_checkpoint: {
        WriteCheckpointRequest request = decode_write_checkpoint(reader);
        write_checkpoints_[{request.user_id, request.client_id}] = request.request_id;
        break;
      }
      case MessageKind::transaction_end:
        decode_transaction_end(reader);
        break;
    }
  }
}

void StorageCommit::complete(Batch& batch, IncompleteRow row) {
  std::string& messages = batch.completed.emplace_back();
  const KeptValues& kept = out_of_line_.values(row.after);
  completer_.complete(std::move(row), kept, messages);
  ByteReader reader(messages);
  read_into(batch, reader);
}

void StorageCommit::apply_batch(const Batch& batch) {
  load(batch.rows);
  for (const RowChange& change : batch.rows) apply_row(change);
  memory_.flush(dependencies_);
  bound_dependencies();
  held_.flush();
  record(batch.failures);
}

// What applying rows will ask for.
struct StorageCommit::Wanted {
  std::vector<BucketCache::Name> names;
  std::vector<RowMemory::Key> memberships;
  std::vector<RowMemory::Key> lookups;
  std::vector<RowMemory::Key> held;
};

void StorageCommit::want(const RowChange& change, Wanted& wanted) const {
  collect_names(change.before.effects, wanted.names);
  collect_names(change.after.effects, wanted.names);
  const bool unknown = change.has_before && !change.before.known;
  const bool comes =
      change.has_after && (!change.has_before || change.after.subkey != change.before.subkey);
  for (const int32_t definition : change.first ? MessageList<int32_t>() : change.bucket_sources) {
    const RowMemory::Key before{definition, change.before.subkey};
    const RowMemory::Key after{definition, change.after.subkey};
    if (change.remember && unknown) wanted.memberships.push_back(before);
    if (change.has_before && may_be_held(before)) wanted.held.push_back(before);
    if (comes && may_be_held(after)) wanted.held.push_back(after);
  }
  for (const int32_t definition : change.lookup_indexes) {
    if (!unknown && !is_unsettled(definition)) continue;
    if (change.has_before) wanted.lookups.push_back({definition, change.before.subkey});
    if (comes && is_unsettled(definition)) {
      wanted.lookups.push_back({definition, change.after.subkey});
    }
  }
}

// Reads it, in a few statements.
void StorageCommit::load(const std::vector<RowChange>& rows) {
  Wanted wanted;
  for (const RowChange& change : rows) want(change, wanted);
  buckets_.load(wanted.names);
  memory_.load_memberships(wanted.memberships);
  memory_.load_lookups(wanted.lookups);
  held_.load(wanted.held);
  std::vector<int64_t> remembered;
  for (const RowMemory::Key& key : wanted.memberships) {
    const Membership membership = memory_.membership(key);
    remembered.insert(remembered.end(), membership.buckets.begin(), membership.buckets.end());
  }
  for (const RowMemory::Key& key : wanted.held) {
    for (const HeldRow& row : held_.rows(key)) remembered.push_back(row.bucket);
  }
  buckets_.load_ids(remembered);
}

void StorageCommit::apply_row(const RowChange& change) {
  for (const int32_t definition : change.bucket_sources) {
    if (change.copied) {
      apply_copy(change, definition);
    } else {
      apply_outputs(change, definition);
    }
    forget_held(change, definition);
  }
  for (const int32_t definition : change.lookup_indexes) {
    apply_lookups(change, definition);
    forget_held(change, definition);
  }
}

void StorageCommit::forget_held(const RowChange& change, int32_t definition) {
  if (change.first) return;
  const RowMemory::Key before{definition, change.before.subkey};
  const RowMemory::Key after{definition, change.after.subkey};
  if (change.has_before && may_be_held(before)) held_.forget(before);
  if (change.has_after && may_be_held(after)) held_.forget(after);
}

// While a table is copied, its rows are where they were put before until something is said of them.
// Takes a row out of the buckets that held it so and where it does not stay.
void StorageCommit::leave_held(const RowMemory::Key& key, const Membership& after) {
  for (const HeldRow& row : held_.rows(key)) {
    if (is_held_still(row, after)) continue;
    append_remove(row.bucket, view(key.subkey), row.object_type, row.object_id);
  }
}

std::span<const int64_t> StorageCommit::keep_sorted(std::vector<int64_t>& buckets) {
  std::ranges::sort(buckets);
  return memory_.keep(buckets);
}

Membership StorageCommit::membership_before(const RowChange& change, int32_t definition) {
  if (!change.has_before) return {};
  const RowMemory::Key key{definition, change.before.subkey};
  if (!held_.rows(key).empty()) return {};  // leave_held() sees to it
  if (!change.before.known) return memory_.membership(key);
  const auto output = output_of(change.before.effects, definition);
  if (!output) return {};
  bucket_ids_.clear();
  for (const std::string_view parameters : output->parameters) {
    const BucketState* bucket = buckets_.find({definition, parameters});
    // A row recorded as an error never reached its bucket.
    if (bucket != nullptr) bucket_ids_.push_back(bucket->id);
  }
  return {output->object_type, output->object_id, keep_sorted(bucket_ids_)};
}

Membership StorageCommit::membership_after(const std::optional<EffectsView::Output>& output,
                                           int32_t definition) {
  if (!output) return {};
  bucket_ids_.clear();
  for (const std::string_view parameters : output->parameters) {
    bucket_ids_.push_back(buckets_.find_or_create({definition, parameters}, head_).id);
  }
  return {output->object_type, output->object_id, keep_sorted(bucket_ids_)};
}

void StorageCommit::apply_outputs(const RowChange& change, int32_t definition) {
  const Membership before = membership_before(change, definition);
  const auto output = output_of(change.after.effects, definition);
  const Membership after = membership_after(output, definition);
  const bool same_object = change.before.subkey == change.after.subkey &&
                           before.object_type == after.object_type &&
                           before.object_id == after.object_id;
  const bool moved = !change.has_after || change.before.subkey != change.after.subkey;
  if (change.has_before && moved) leave_held({definition, change.before.subkey}, {});
  if (change.has_after) leave_held({definition, change.after.subkey}, after);
  for (const int64_t bucket : before.buckets) {
    if (same_object && contains(after.buckets, bucket)) continue;
    append_remove(bucket, view(change.before.subkey), before.object_type, before.object_id);
  }
  for (const int64_t bucket : after.buckets) append_put(bucket, change.after.subkey, *output);
  if (!change.remember) return;
  if (change.has_before && moved) memory_.set_membership({definition, change.before.subkey}, {});
  if (change.has_after) memory_.set_membership({definition, change.after.subkey}, after);
}

// Buckets get what they do not hold of the row already. What is remembered does not count: it may
// be from before the table's old rows were in the WAL for a while.
void StorageCommit::apply_copy(const RowChange& change, int32_t definition) {
  const RowMemory::Key key{definition, change.after.subkey};
  const auto output = output_of(change.after.effects, definition);
  const Membership after = membership_after(output, definition);
  const std::vector<HeldRow>& held = held_.rows(key);
  std::vector<int64_t> up_to_date;
  leave_held(key, after);
  for (const HeldRow& row : held) {
    if (is_held_still(row, after) && row.checksum == put_checksum(key.subkey, *output)) {
      up_to_date.push_back(row.bucket);
    }
  }
  for (const int64_t bucket : after.buckets) {
    if (std::ranges::find(up_to_date, bucket) == up_to_date.end()) {
      append_put(bucket, key.subkey, *output);
    }
  }
  if (change.remember) memory_.set_membership(key, after);
}

void StorageCommit::apply_lookups(const RowChange& change, int32_t definition) {
  const RowMemory::Key before{definition, change.before.subkey};
  const RowMemory::Key after{definition, change.after.subkey};
  LookupEntries entries = lookups_of(change.after.effects, definition);
  if (change.has_before) {
    if (change.before.known) {
      LookupEntries old = lookups_of(change.before.effects, definition);
      if (old.empty() && entries.empty()) return;
      memory_.assume_lookups(before, std::move(old));
    }
    if (!memory_.lookups(before).empty()) memory_.set_lookups(before, {});
  }
  if (change.has_after && !entries.empty()) memory_.set_lookups(after, std::move(entries));
}

void StorageCommit::append(BucketState& bucket, char kind, std::string_view subkey,
                           std::string_view object_type, std::string_view object_id,
                           std::string_view data, bool has_data) {
  const uint32_t checksum = operation_checksum({kind, object_type, object_id, subkey, data});
  bucket.last_op_id = ++head_.op_id;
  bucket.operations_added++;
  bucket.checksum += checksum;
  buckets_.mark_changed(bucket);
  operations_.bigint(bucket.id).bigint(bucket.last_op_id).bigint(checksum).null().character(kind);
  operations_.uuid(subkey).text(object_type).text(object_id);
  if (has_data) {
    operations_.text(data);
  } else {
    operations_.null();
  }
  operations_.end_row();
}

void StorageCommit::append_again(int64_t bucket, std::string_view subkey,
                                 std::string_view object_type, std::string_view object_id,
                                 std::string_view data) {
  buckets_.load_ids({bucket});
  BucketState* state = buckets_.find(bucket);
  if (state != nullptr) append(*state, 'P', subkey, object_type, object_id, data, true);
}

void StorageCommit::append_put(int64_t bucket, const Subkey& subkey,
                               const EffectsView::Output& output) {
  append(*buckets_.find(bucket), 'P', view(subkey), output.object_type, output.object_id,
         output.data, true);
}

void StorageCommit::append_remove(int64_t bucket, std::string_view subkey,
                                  std::string_view object_type, std::string_view object_id) {
  append(*buckets_.find(bucket), 'R', subkey, object_type, object_id, {}, false);
}

// An identity other than the one known has the table copied again, even if it does not last until
// the catalog is looked at: under it, what is remembered of rows was not kept up to date. With FULL
// nothing is remembered, whatever the key.
void StorageCommit::note(const IdentityChange& change) {
  const pg::SqlScope sql;
  pg::execute(
      "UPDATE brigade.followed_table SET replica_identity = ''"
      " WHERE relation = $1::oid AND replica_identity <> $2"
      " AND (left(replica_identity, 1), left($2, 1)) <> ('f', 'f')",
      pg::Parameters().add(static_cast<int64_t>(change.relation)).add(change.identity));
}

void StorageCommit::bound_dependencies() {
  if (dependencies_.size() <= dependencies_max) return;
  dependencies_.clear();
  config_changed_ = true;
}

void StorageCommit::store_buckets() {
  const std::vector<int64_t> ids = buckets_.store_changed(head_.commit_id);
  changed_buckets_.insert(ids.begin(), ids.end());
}

void StorageCommit::record(const std::vector<RowFailure>& failures) {
  for (const RowFailure& failure : failures) {
    pg::execute(
        "INSERT INTO brigade.row_error (definition, table_name, row_key, reason)"
        " VALUES (nullif($1, 0), $2, $3, $4)",
        pg::Parameters()
            .add(failure.definition)
            .add(failure.table)
            .add(failure.key)
            .add(failure.reason));
  }
}

void StorageCommit::acknowledge_write_checkpoints() {
  for (const auto& [client, request_id] : write_checkpoints_) {
    pg::execute(
        "INSERT INTO brigade.acknowledged_write_checkpoint VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (user_id, client_id) DO UPDATE SET request_id = excluded.request_id,"
        " commit_id = excluded.commit_id, acknowledged_at = excluded.acknowledged_at",
        pg::Parameters().add(client.first).add(client.second).add(request_id).add(head_.commit_id));
  }
}

void StorageCommit::acknowledge_visible_write_checkpoints() {
  const pg::SqlScope sql;
  const pg::Rows rows =
      pg::execute("SELECT user_id, client_id, request_id FROM brigade.write_checkpoint");
  for (size_t i = 0; i < rows.size(); i++) {
    write_checkpoints_[{std::string(rows.bytes(i, 0)), std::string(rows.bytes(i, 1))}] =
        rows.bigint(i, 2);
  }
}

void StorageCommit::finish(uint64_t lsn) {
  operations_.finish();
  head_.lsn = lsn;
  store_buckets();
  const std::vector<int64_t> buckets(changed_buckets_.begin(), changed_buckets_.end());
  const std::vector<int64_t> dependencies(dependencies_.begin(), dependencies_.end());
  const pg::SqlScope sql;
  acknowledge_write_checkpoints();
  pg::execute(
      "INSERT INTO brigade.commit_log (commit_id, op_id, buckets, dependencies, config_changed)"
      " VALUES ($1, $2, $3, $4, $5)",
      pg::Parameters()
          .add(head_.commit_id)
          .add(head_.op_id)
          .add(buckets)
          .add(dependencies)
          .add(config_changed_));
  pg::execute(
      "UPDATE brigade.checkpoint SET commit_id = $1, op_id = $2, lsn = $3, committed_at = now()",
      pg::Parameters().add(head_.commit_id).add(head_.op_id).add_lsn(head_.lsn));
  pg::execute("SELECT pg_notify('brigade_commit', $1)",
              pg::Parameters().add(std::to_string(head_.commit_id)));
}

}  // namespace brigade
