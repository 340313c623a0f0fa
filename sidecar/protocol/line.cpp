#include "protocol/line.h"

#include <array>
#include <charconv>

#include "protocol/bson_writer.h"
#include "protocol/json_writer.h"

namespace brigade::sidecar {

namespace {

/// Op ids and write checkpoints are decimal strings on the wire: JavaScript's numbers hold 53 bits.
template <class Writer>
void write_id(Writer& writer, std::string_view key, int64_t id) {
  std::array<char, 24> digits;
  char* end = std::to_chars(digits.begin(), digits.end(), id).ptr;
  writer.string(key, {digits.data(), end});
}

template <class Writer>
void write_reasons(Writer& writer, const std::vector<Reason>& reasons) {
  writer.begin_array("subscriptions");
  for (const Reason& reason : reasons) {
    writer.begin_object();
    writer.number(reason.is_default ? "default" : "sub", reason.index);
    writer.end_object();
  }
  writer.end_array();
}

template <class Writer>
void write_buckets(Writer& writer, std::string_view key,
                   const std::vector<BucketDescription>& buckets) {
  writer.begin_array(key);
  for (const BucketDescription& bucket : buckets) {
    writer.begin_object();
    writer.string("bucket", bucket.name);
    writer.number("checksum", bucket.state.checksum);
    writer.number("count", bucket.state.count);
    writer.number("priority", bucket.priority);
    write_reasons(writer, bucket.reasons);
    writer.end_object();
  }
  writer.end_array();
}

template <class Writer>
void write_failure(Writer& writer, const StreamFailure& failure) {
  writer.begin_object();
  if (failure.subscription) {
    writer.number("subscription", *failure.subscription);
  } else {
    writer.string("subscription", "default");
  }
  writer.string("message", failure.message);
  writer.end_object();
}

template <class Writer>
void write_streams(Writer& writer, const std::vector<StreamDescription>& streams) {
  writer.begin_array("streams");
  for (const StreamDescription& stream : streams) {
    writer.begin_object();
    writer.string("name", stream.name);
    writer.boolean("is_default", stream.is_default);
    writer.begin_array("errors");
    for (const StreamFailure& failure : stream.errors) write_failure(writer, failure);
    writer.end_array();
    writer.end_object();
  }
  writer.end_array();
}

template <class Writer>
void write_head(Writer& writer, const CheckpointHead& head) {
  write_id(writer, "last_op_id", head.last_op_id);
  if (head.write_checkpoint) write_id(writer, "write_checkpoint", *head.write_checkpoint);
}

std::string_view kind_name(OperationKind kind) {
  switch (kind) {
    case OperationKind::put:
      return "PUT";
    case OperationKind::remove:
      return "REMOVE";
    case OperationKind::move:
      return "MOVE";
    case OperationKind::clear:
      return "CLEAR";
  }
  return "CLEAR";
}

template <class Writer>
void write_row_data(Writer& writer, LineFormat format, const Operation& operation) {
  if (!operation.data) {
    writer.null("data");
  } else if (format == LineFormat::ndjson_nested) {
    writer.raw("data", *operation.data);
  } else {
    writer.string("data", *operation.data);
  }
}

template <class Writer>
void write_operation(Writer& writer, LineFormat format, const Operation& operation) {
  bool names_row = operation.kind == OperationKind::put || operation.kind == OperationKind::remove;
  writer.begin_object();
  write_id(writer, "op_id", operation.op_id);
  writer.string("op", kind_name(operation.kind));
  if (names_row) {
    writer.string("object_type", operation.object_type);
    writer.string("object_id", operation.object_id);
  }
  writer.number("checksum", operation.checksum);
  if (names_row) {
    writer.string("subkey", operation.subkey);
    write_row_data(writer, format, operation);
  }
  writer.end_object();
}

/// Runs `describe(writer)` with the writer of `format` inside a document with the one key `name`.
template <class Describe>
std::string encode_line(LineFormat format, std::string_view name, size_t size_hint,
                        Describe describe) {
  std::string out;
  out.reserve(size_hint);
  auto run = [&](auto writer) {
    writer.begin_document();
    writer.begin_object(name);
    describe(writer);
    writer.end_object();
    writer.end_document();
  };
  format == LineFormat::bson ? run(BsonWriter(out)) : run(JsonWriter(out));
  return out;
}

size_t estimate_size(const std::vector<Operation>& operations) {
  size_t size = 256;
  for (const Operation& operation : operations) {
    size_t data = operation.data ? operation.data->size() : 0;
    size += 160 + operation.object_type.size() + operation.object_id.size() +
            operation.subkey.size() + data + data / 4;
  }
  return size;
}

}  // namespace

std::string encode_checkpoint(LineFormat format, const CheckpointHead& head,
                              const std::vector<BucketDescription>& buckets,
                              const std::vector<StreamDescription>& streams) {
  return encode_line(format, "checkpoint", 128 + 160 * buckets.size(), [&](auto& writer) {
    write_head(writer, head);
    write_buckets(writer, "buckets", buckets);
    write_streams(writer, streams);
  });
}

std::string encode_checkpoint_diff(LineFormat format, const CheckpointHead& head,
                                   const std::vector<std::string>& removed,
                                   const std::vector<BucketDescription>& updated) {
  return encode_line(format, "checkpoint_diff", 128 + 160 * updated.size(), [&](auto& writer) {
    write_head(writer, head);
    writer.begin_array("removed_buckets");
    for (const std::string& name : removed) writer.string("", name);
    writer.end_array();
    write_buckets(writer, "updated_buckets", updated);
  });
}

std::string encode_complete(LineFormat format, int64_t last_op_id) {
  return encode_line(format, "checkpoint_complete", 64,
                     [&](auto& writer) { write_id(writer, "last_op_id", last_op_id); });
}

std::string encode_partial_complete(LineFormat format, int64_t last_op_id, int priority) {
  return encode_line(format, "partial_checkpoint_complete", 96, [&](auto& writer) {
    write_id(writer, "last_op_id", last_op_id);
    writer.number("priority", priority);
  });
}

std::string encode_token_expires_in(LineFormat format, int64_t seconds) {
  std::string out;
  auto run = [&](auto writer) {
    writer.begin_document();
    writer.number("token_expires_in", seconds);
    writer.end_document();
  };
  format == LineFormat::bson ? run(BsonWriter(out)) : run(JsonWriter(out));
  return out;
}

std::string encode_data(LineFormat format, const DataLine& line,
                        const std::vector<Operation>& operations) {
  return encode_line(format, "data", estimate_size(operations), [&](auto& writer) {
    writer.string("bucket", line.bucket);
    write_id(writer, "after", line.after);
    writer.boolean("has_more", line.has_more);
    writer.begin_array("data");
    for (const Operation& operation : operations) write_operation(writer, format, operation);
    writer.end_array();
    write_id(writer, "next_after", line.next_after);
  });
}

}  // namespace brigade::sidecar
