#include "decoding/change_message.h"

#include <span>

namespace brigade {

namespace {

void put_kind(ByteWriter& writer, MessageKind kind) { writer.integer(kind); }

void put_ids(ByteWriter& writer, const std::vector<int32_t>& ids) {
  writer.integer(static_cast<uint32_t>(ids.size()));
  for (const int32_t id : ids) writer.integer(id);
}

std::vector<int32_t> get_ids(ByteReader& reader) {
  std::vector<int32_t> ids(reader.integer<uint32_t>());
  for (int32_t& id : ids) id = reader.integer<int32_t>();
  return ids;
}

// A list is preceded by its size in bytes, which is known when it is complete.
template <typename Put>
void put_list(ByteWriter& writer, Put&& put) {
  const size_t start = writer.begin_bytes();
  put();
  writer.end_bytes(start);
}

void put_list(ByteWriter& writer, const std::vector<int32_t>& ids) {
  put_list(writer, [&] {
    for (const int32_t id : ids) writer.integer(id);
  });
}

void put_output(ByteWriter& writer, const RowEffects::Output& output, int32_t id) {
  writer.integer(id);
  writer.bytes(output.object_type);
  writer.bytes(output.object_id);
  writer.bytes(output.data);
  put_list(writer, [&] {
    for (const std::string& parameters : output.parameters) writer.bytes(parameters);
  });
}

void put_effects(ByteWriter& writer, const RowEffects& effects, const std::vector<int32_t>& ids) {
  put_list(writer, [&] {
    for (const RowEffects::Output& output : effects.outputs) {
      if (ids[output.definition] != 0) put_output(writer, output, ids[output.definition]);
    }
  });
  put_list(writer, [&] {
    for (const RowEffects::Lookup& lookup : effects.lookups) {
      if (ids[lookup.definition] == 0) continue;
      writer.integer(ids[lookup.definition]);
      writer.bytes(lookup.key);
      writer.bytes(lookup.value);
    }
  });
}

EffectsView get_effects(ByteReader& reader) {
  EffectsView effects;
  effects.outputs = MessageList<EffectsView::Output>(reader.bytes());
  effects.lookups = MessageList<EffectsView::Lookup>(reader.bytes());
  return effects;
}

void put_value(ByteWriter& writer, const Value& value) {
  writer.integer(value.kind);
  switch (value.kind) {
    case ValueKind::integer:
      return writer.integer(value.integer);
    case ValueKind::real:
      return writer.integer(value.real);
    case ValueKind::text:
    case ValueKind::blob:
    case ValueKind::unchanged:
      return writer.bytes(value.view());
    case ValueKind::null:
      return;
  }
}

Value get_value(ByteReader& reader) {
  const auto kind = reader.integer<ValueKind>();
  switch (kind) {
    case ValueKind::integer:
      return Value::of_integer(reader.integer<int64_t>());
    case ValueKind::real:
      return Value::of_real(reader.integer<double>());
    case ValueKind::text:
      return Value::of_text(reader.bytes());
    case ValueKind::blob:
      return Value::of_blob(reader.bytes());
    case ValueKind::unchanged:
      return Value::unchanged(reader.bytes());
    case ValueKind::null:
      break;
  }
  return Value::null();
}

void put_values(ByteWriter& writer, std::span<const Value> values) {
  writer.integer(static_cast<uint32_t>(values.size()));
  for (const Value& value : values) put_value(writer, value);
}

std::vector<Value> get_values(ByteReader& reader) {
  std::vector<Value> values(reader.integer<uint32_t>(), Value::null());
  for (Value& value : values) value = get_value(reader);
  return values;
}

enum class StateForm : uint8_t { absent, subkey_only, full };

void put_state(ByteWriter& writer, const EncodableState* state, const std::vector<int32_t>& ids) {
  if (state == nullptr) return writer.integer(StateForm::absent);
  writer.integer(state->effects == nullptr ? StateForm::subkey_only : StateForm::full);
  writer.integer(state->subkey);
  if (state->effects != nullptr) put_effects(writer, *state->effects, ids);
}

}  // namespace

void read_element(ByteReader& reader, EffectsView::Output& output) {
  output.definition = reader.integer<int32_t>();
  output.object_type = reader.bytes();
  output.object_id = reader.bytes();
  output.data = reader.bytes();
  output.parameters = MessageList<std::string_view>(reader.bytes());
}

void read_element(ByteReader& reader, EffectsView::Lookup& lookup) {
  lookup.definition = reader.integer<int32_t>();
  lookup.key = reader.bytes();
  lookup.value = reader.bytes();
}

void TableDefinitions::add(uint32_t index, int32_t id, Definition::Kind kind) {
  indexes.push_back(index);
  ids[index] = id;
  (kind == Definition::Kind::bucket_source ? bucket_sources : lookup_indexes).push_back(id);
}

std::vector<int32_t> TableDefinitions::all() const {
  std::vector<int32_t> both = bucket_sources;
  both.insert(both.end(), lookup_indexes.begin(), lookup_indexes.end());
  return both;
}

namespace {

void put_row(ByteWriter& writer, const TableDefinitions& definitions, bool remember,
             const EncodableState* before, const EncodableState* after) {
  put_list(writer, definitions.bucket_sources);
  put_list(writer, definitions.lookup_indexes);
  writer.integer(remember);
  put_state(writer, before, definitions.ids);
  put_state(writer, after, definitions.ids);
}

}  // namespace

void encode_row_change(std::string& target, const TableDefinitions& definitions, bool remember,
                       const EncodableState* before, const EncodableState* after) {
  ByteWriter writer(target);
  put_kind(writer, MessageKind::row_change);
  put_row(writer, definitions, remember, before, after);
}

void encode_copied_row(std::string& target, const TableDefinitions& definitions, bool remember,
                       const EncodableState& state) {
  const EncodableState before{state.subkey, nullptr};
  ByteWriter writer(target);
  put_kind(writer, MessageKind::copied_row);
  put_row(writer, definitions, remember, &before, &state);
}

RowChange decode_row_change(ByteReader& reader) {
  RowChange change;
  change.bucket_sources = MessageList<int32_t>(reader.bytes());
  change.lookup_indexes = MessageList<int32_t>(reader.bytes());
  change.remember = reader.integer<bool>();
  const auto before = reader.integer<StateForm>();
  change.has_before = before != StateForm::absent;
  change.before.known = before != StateForm::subkey_only;
  if (change.has_before) change.before.subkey = reader.integer<Subkey>();
  if (before == StateForm::full) change.before.effects = get_effects(reader);
  change.has_after = reader.integer<StateForm>() != StateForm::absent;
  if (!change.has_after) return change;
  change.after.subkey = reader.integer<Subkey>();
  change.after.effects = get_effects(reader);
  return change;
}

void encode(std::string& target, const IncompleteRow& row) {
  ByteWriter writer(target);
  put_kind(writer, MessageKind::incomplete_row);
  writer.integer(row.binding);
  writer.integer(row.plan);
  writer.integer(row.before);
  writer.integer(row.after);
  put_values(writer, row.values);
  put_values(writer, row.old_values);
}

RowChange decode_copied_row(ByteReader& reader) {
  RowChange change = decode_row_change(reader);
  change.copied = true;
  return change;
}

IncompleteRow decode_incomplete_row(ByteReader& reader) {
  IncompleteRow row;
  row.binding = reader.integer<uint32_t>();
  row.plan = reader.integer<uint32_t>();
  row.before = reader.integer<Subkey>();
  row.after = reader.integer<Subkey>();
  row.values = get_values(reader);
  row.old_values = get_values(reader);
  return row;
}

void encode(std::string& target, const OutOfLineChange& change) {
  ByteWriter writer(target);
  put_kind(writer, MessageKind::out_of_line_change);
  writer.integer(change.before);
  writer.integer(change.after);
  writer.integer(change.deleted);
  writer.integer(static_cast<uint32_t>(change.entries.size()));
  for (const OutOfLineChange::Entry& entry : change.entries) {
    writer.integer(entry.attribute);
    writer.bytes(entry.value);
  }
}

OutOfLineChange decode_out_of_line_change(ByteReader& reader) {
  OutOfLineChange change;
  change.before = reader.integer<Subkey>();
  change.after = reader.integer<Subkey>();
  change.deleted = reader.integer<bool>();
  change.entries.resize(reader.integer<uint32_t>());
  for (OutOfLineChange::Entry& entry : change.entries) {
    entry.attribute = reader.integer<int16_t>();
    entry.value = reader.bytes();
  }
  return change;
}

void encode(std::string& target, const TruncateChange& truncate) {
  ByteWriter writer(target);
  put_kind(writer, MessageKind::truncate);
  put_ids(writer, truncate.definitions);
  writer.integer(truncate.table);
  writer.integer(truncate.relation);
  writer.integer(truncate.file_node);
}

TruncateChange decode_truncate(ByteReader& reader) {
  TruncateChange truncate;
  truncate.definitions = get_ids(reader);
  truncate.table = reader.integer<std::array<char, 4>>();
  truncate.relation = reader.integer<uint32_t>();
  truncate.file_node = reader.integer<uint32_t>();
  return truncate;
}

void encode(std::string& target, const IdentityChange& change) {
  ByteWriter writer(target);
  put_kind(writer, MessageKind::identity_change);
  writer.integer(change.relation);
  writer.bytes(change.identity);
}

IdentityChange decode_identity_change(ByteReader& reader) {
  IdentityChange change;
  change.relation = reader.integer<uint32_t>();
  change.identity = reader.bytes();
  return change;
}

void encode(std::string& target, const WriteCheckpointRequest& request) {
  ByteWriter writer(target);
  put_kind(writer, MessageKind::write_checkpoint);
  writer.bytes(request.user_id);
  writer.bytes(request.client_id);
  writer.integer(request.request_id);
}

WriteCheckpointRequest decode_write_checkpoint(ByteReader& reader) {
  WriteCheckpointRequest request;
  request.user_id = reader.bytes();
  request.client_id = reader.bytes();
  request.request_id = reader.integer<int64_t>();
  return request;
}

void encode(std::string& target, const RowFailure& failure) {
  ByteWriter writer(target);
  put_kind(writer, MessageKind::row_failure);
  writer.integer(failure.definition);
  writer.bytes(failure.table);
  writer.bytes(failure.key);
  writer.bytes(failure.reason);
}

RowFailure decode_row_failure(ByteReader& reader) {
  RowFailure failure;
  failure.definition = reader.integer<int32_t>();
  failure.table = reader.bytes();
  failure.key = reader.bytes();
  failure.reason = reader.bytes();
  return failure;
}

void encode(std::string& target, const TransactionEnd& end) {
  ByteWriter writer(target);
  put_kind(writer, MessageKind::transaction_end);
  writer.integer(end.commit_lsn);
  writer.integer(end.end_lsn);
}

TransactionEnd decode_transaction_end(ByteReader& reader) {
  TransactionEnd end{};
  end.commit_lsn = reader.integer<uint64_t>();
  end.end_lsn = reader.integer<uint64_t>();
  return end;
}

}  // namespace brigade
