#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "decoding/byte_stream.h"
#include "evaluator/row_effects.h"
#include "sync_config/plan.h"
#include "sync_config/value.h"

// What the output plugin tells the writer. Messages are bytes, so that they can pass through
// memory, a spill file or another process alike. Row changes of a transaction come first, its
// commit last.
namespace brigade {

// Tells a source row from every other: 4 bytes hashed from its table's name, so that the rows of a
// table lie together, and 12 hashed from its key's values; the first 4 of those are the key's order
// where it has one (decoding/key_order.h), so that rows of one time lie together.
using Subkey = std::array<char, 16>;

inline std::string_view view(const Subkey& subkey) { return {subkey.data(), subkey.size()}; }

// How the subkeys of a row's table begin.
inline std::array<char, 4> table_of(const Subkey& row) { return {row[0], row[1], row[2], row[3]}; }

// Subkeys end in a hash.
struct SubkeyHash {
  size_t operator()(const Subkey& subkey) const {
    size_t hash = 0;
    std::memcpy(&hash, subkey.data() + subkey.size() - sizeof(hash), sizeof(hash));
    return hash;
  }
};
using SubkeySet = std::unordered_set<Subkey, SubkeyHash>;

// A list in a message, as its bytes: elements are read when they are visited.
template <typename Element>
class MessageList {
 public:
  MessageList() = default;
  explicit MessageList(std::string_view bytes) : bytes_(bytes) {}

  class Iterator {
   public:
    explicit Iterator(std::string_view bytes) : rest_(bytes) { ++*this; }
    const Element& operator*() const { return element_; }
    Iterator& operator++() {
      at_end_ = rest_.at_end();
      if (!at_end_) read_element(rest_, element_);
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return at_end_; }

   private:
    ByteReader rest_;
    Element element_{};
    bool at_end_ = false;
  };
  Iterator begin() const { return Iterator(bytes_); }
  std::default_sentinel_t end() const { return {}; }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

// One state of a row as views into a message. Definitions are ids of brigade.definition.
struct EffectsView {
  struct Output {
    int32_t definition;
    std::string_view object_type;
    std::string_view object_id;
    std::string_view data;
    MessageList<std::string_view> parameters;
  };
  struct Lookup {
    int32_t definition;
    std::string_view key;
    std::string_view value;
  };
  MessageList<Output> outputs;
  MessageList<Lookup> lookups;
};

// Read one element of a MessageList.
inline void read_element(ByteReader& reader, int32_t& id) { id = reader.integer<int32_t>(); }
inline void read_element(ByteReader& reader, std::string_view& bytes) { bytes = reader.bytes(); }
void read_element(ByteReader& reader, EffectsView::Output& output);
void read_element(ByteReader& reader, EffectsView::Lookup& lookup);

// A row that was inserted, updated or deleted.
struct RowChange {
  // Where the row was before. `known`: `effects` tells it (nothing for an insert); otherwise
  // only the subkey is known, and storage has to remember what the row meant.
  struct Before {
    bool known = true;
    Subkey subkey{};
    EffectsView effects;
  };
  struct After {
    Subkey subkey{};
    EffectsView effects;
  };
  // Those that read the table, as ids.
  MessageList<int32_t> bucket_sources;
  MessageList<int32_t> lookup_indexes;
  bool copied = false;    // read from the table: what it was before is what storage holds
  bool first = false;     // copied, and storage knows that bucket sources hold nothing of it yet
  bool remember = false;  // the WAL will not hold this row's old state: storage keeps what it meant
  bool has_before = false;
  Before before;
  bool has_after = false;
  After after;
};

// An update that left out-of-line (TOAST) values as they were, of a row that is not in the WAL as a
// whole: it can be evaluated only where those values are kept.
struct IncompleteRow {
  uint32_t binding;  // what evaluates it; see Decoder::complete
  uint32_t plan;     // in the binding
  Subkey before;
  Subkey after;
  std::vector<Value> values;      // a column that was left alone is ValueKind::unchanged
  std::vector<Value> old_values;  // of the row with the old key, if the key changed
};

// What a change does to the out-of-line values kept of a row for those updates. It comes before
// what the change means to plans.
struct OutOfLineChange {
  struct Entry {
    int16_t attribute;       // its number in the table, from 1
    std::string_view value;  // as Postgres holds it, without its length word
  };
  Subkey before{};
  Subkey after{};
  bool deleted = false;        // the row, so there is no `after`
  std::vector<Entry> entries;  // that the row has from now on; others stay
};

struct TruncateChange {
  std::vector<int32_t> definitions;
  std::array<char, 4> table;  // how the subkeys of its rows begin
  uint32_t relation = 0;      // from TRUNCATE: the table, and the file that holds its rows since
  uint32_t file_node = 0;
};

// A table's replica identity in the changes from here on.
struct IdentityChange {
  uint32_t relation;
  std::string identity;  // its kind (pg_class.relreplident) and the key's columns: "d 1 2"
};

struct WriteCheckpointRequest {
  std::string user_id;
  std::string client_id;
  int64_t request_id;
};

// A row that could not be processed. It is recorded; the rest of the transaction goes on.
struct RowFailure {
  int32_t definition;
  std::string table;
  std::string key;
  std::string reason;
};

struct TransactionEnd {
  uint64_t commit_lsn;  // start of the commit record
  uint64_t end_lsn;     // its end: the position after this transaction
};

enum class MessageKind : uint8_t {
  row_change,
  copied_row,
  incomplete_row,
  out_of_line_change,
  truncate,
  identity_change,
  write_checkpoint,
  row_failure,
  transaction_end,
};

// The definitions of a plan that read a table.
struct TableDefinitions {
  std::vector<uint32_t> indexes;  // as in RowEffects
  std::vector<int32_t> ids;       // by index; 0: left out
  std::vector<int32_t> bucket_sources;
  std::vector<int32_t> lookup_indexes;

  void add(uint32_t index, int32_t id, Definition::Kind kind);
  bool empty() const { return indexes.empty(); }
  std::vector<int32_t> all() const;
};

// Encoders append one message.
struct EncodableState {
  Subkey subkey;
  const RowEffects* effects;  // null: not known
};
void encode_row_change(std::string& target, const TableDefinitions& definitions, bool remember,
                       const EncodableState* before, const EncodableState* after);
// A row read from the table, in place of whatever storage holds of it.
void encode_copied_row(std::string& target, const TableDefinitions& definitions, bool remember,
                       const EncodableState& state);
void encode(std::string& target, const IncompleteRow& row);
void encode(std::string& target, const OutOfLineChange& change);
void encode(std::string& target, const TruncateChange& truncate);
void encode(std::string& target, const IdentityChange& change);
void encode(std::string& target, const WriteCheckpointRequest& request);
void encode(std::string& target, const RowFailure& failure);
void encode(std::string& target, const TransactionEnd& end);

// Decoders. REQUIRES: the kind byte has been read.
RowChange decode_row_change(ByteReader& reader);
RowChange decode_copied_row(ByteReader& reader);
IncompleteRow decode_incomplete_row(ByteReader& reader);
OutOfLineChange decode_out_of_line_change(ByteReader& reader);
TruncateChange decode_truncate(ByteReader& reader);
IdentityChange decode_identity_change(ByteReader& reader);
WriteCheckpointRequest decode_write_checkpoint(ByteReader& reader);
RowFailure decode_row_failure(ByteReader& reader);
TransactionEnd decode_transaction_end(ByteReader& reader);

}  // namespace brigade
