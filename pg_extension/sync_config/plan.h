#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sync_config/expression.h"

namespace brigade {

// How column values become SQLite values; decided by the config's edition and options. Part of
// every definition's digest, since it changes the bytes clients get.
struct ValueOptions {
  bool timestamps_iso8601 = true;     // "2024-01-01T00:00:00.000000Z" instead of a blank between
  int timestamp_precision_max = 6;    // digits after the second, 0 to 6
  bool custom_postgres_types = true;  // composites, ranges, arrays of custom types become JSON

  bool operator==(const ValueOptions&) const = default;
};

// Names the source tables of a definition. A trailing % stands for any rest of a name.
struct TablePattern {
  std::string schema;
  std::string table;

  bool matches(std::string_view actual_schema, std::string_view actual_table) const;
  // What the % of the table's name stands for; empty without one. REQUIRES: the table matches.
  std::string_view suffix(std::string_view actual_table) const;
};

// One column of a bucket source's rows; a star is all columns of the table.
struct OutputColumn {
  bool star = false;
  std::string name;
  Expression expression;
};

// A bucket source or a lookup index: what is stored, by what it means. Two configs that have an
// equal definition share its id, its data and its history.
//
// Expressions read one row of the table. The metadata expression "element" stands for an element of
// the JSON array that is its argument: such a row counts once for every element.
struct Definition {
  enum class Kind : uint8_t { bucket_source, lookup_index };
  Kind kind = Kind::bucket_source;
  TablePattern table;
  std::vector<Expression> filters;    // all must be true
  std::vector<Expression> key;        // buckets' parameters, or the lookup's key
  std::vector<Expression> values;     // lookup indexes only
  std::string output_table;           // bucket sources: the client's table; empty: the table's name
  std::vector<OutputColumn> columns;  // bucket sources only

  std::string digest;       // 32 hex digits over `canonical`
  std::string canonical;    // JSON text; equal text = equal definition
  std::string bucket_name;  // bucket sources: "user_lists|0"; the bucket is this and its parameters
};

// One step in finding the buckets of a request. Steps work on a set of tuples of variables, which
// starts with one tuple without values.
struct Step {
  enum class Kind : uint8_t {
    condition,  // drops all tuples unless `expression` is true
    bind,    // variables[0] = expression; drops tuples where it is null, or bound to another value
    expand,  // variables[0] = each element of the JSON array `expression`
    lookup,  // for each tuple: the entries of `definition` with keys = variables[0 … keys)
             // bind the remaining variables
  };
  Kind kind = Kind::condition;
  Expression expression;
  uint32_t definition = 0;
  uint32_t keys = 0;
  std::vector<uint32_t> variables;
};

// How a stream's request becomes parameters of buckets of one source.
struct Querier {
  uint32_t source = 0;  // index into Plan::definitions
  uint32_t variable_count = 0;
  std::vector<Step> steps;
  std::vector<uint32_t> parameters;  // variables, in the order of the source's key
  int line = 0;                      // of the query, in the config's text
};

struct Stream {
  std::string name;
  bool auto_subscribe = false;
  int priority = 3;
  std::vector<Querier> queriers;
};

struct Plan {
  ValueOptions value_options;
  bool versioned_bucket_ids = true;
  std::vector<Definition> definitions;
  std::vector<Stream> streams;
};

// The plan's stable serialised form (JSON text).
std::string serialize(const Plan& plan);

// REQUIRES: text was made by serialize(), of this or an older version. Throws std::runtime_error
// that names the place where it is not.
Plan deserialize(std::string_view text);

// Fills in `canonical` and `digest` (XXH3, 128 bits) from the other fields.
void seal(Definition& definition, const ValueOptions& options);

}  // namespace brigade
