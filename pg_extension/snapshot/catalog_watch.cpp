#include "snapshot/catalog_watch.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "decoding/subkey.h"
#include "pg/spi.h"
#include "snapshot/table_copy.h"

namespace brigade {

namespace {

// A table as the catalog, or brigade.followed_table, describes it.
struct Table {
  uint32_t relation = 0;
  std::string name;              // schema.table
  std::string replica_identity;  // as IdentityChange has it
  int64_t file_node = 0;
  std::set<std::string> columns;
  std::set<std::string> filled_columns;  // those that rows from before they existed have values of
  std::set<int32_t> definitions;
};
// By name: a table that takes another's place is compared with the rows of that one.
using Tables = std::map<std::string, Table>;

std::set<std::string> read_texts(const pg::Rows& rows, size_t row, int column) {
  const std::vector<std::string> texts = rows.texts(row, column);
  return {texts.begin(), texts.end()};
}

Table read_table(const pg::Rows& rows, size_t row) {
  Table table;
  table.relation = static_cast<uint32_t>(rows.bigint(row, 0));
  table.name = rows.bytes(row, 1);
  table.replica_identity = rows.bytes(row, 2);
  table.file_node = rows.bigint(row, 3);
  table.columns = read_texts(rows, row, 4);
  return table;
}

Tables load_followed() {
  const pg::Rows rows = pg::execute(
      "SELECT relation::bigint, table_name, replica_identity, file_node, columns,"
      " definitions FROM brigade.followed_table");
  Tables tables;
  for (size_t row = 0; row < rows.size(); row++) {
    Table table = read_table(rows, row);
    const std::vector<int32_t> definitions = rows.integers(row, 5);
    table.definitions.insert(definitions.begin(), definitions.end());
    tables.emplace(table.name, std::move(table));
  }
  return tables;
}

// The definitions that read a table under any of its names, given as schema, table, schema, …
std::set<int32_t> definitions_of(const ActivePlans& plans, const std::vector<std::string>& names) {
  std::set<int32_t> definitions;
  for (const auto& plan : plans) {
    for (size_t i = 0; i < plan->definition_ids.size(); i++) {
      const TablePattern& pattern = plan->plan.definitions[i].table;
      for (size_t name = 0; name + 1 < names.size(); name += 2) {
        if (pattern.matches(names[name], names[name + 1])) {
          definitions.insert(plan->definition_ids[i]);
        }
      }
    }
  }
  return definitions;
}

// A column is described by its number, name and type; of an enum the labels belong to it. The
// replica identity is described as IdentityChange does.
// pg_partition_ancestors() would not do: it tells of now, the rest of what the snapshot sees.
constexpr const char* tables_statement =
    "SELECT c.oid::bigint, n.nspname || '.' || c.relname,"
    " concat_ws(' ', c.relreplident, (SELECT string_agg(attnum::text, ' ' ORDER BY attnum)"
    "  FROM pg_catalog.pg_index i, unnest(i.indkey::smallint[]) WITH ORDINALITY key (attnum, place)"
    "  WHERE i.indrelid = c.oid AND place <= i.indnkeyatts AND i.indimmediate"
    "  AND CASE c.relreplident WHEN 'i' THEN i.indisreplident"
    "  ELSE i.indisprimary AND c.relreplident <> 'n' END)),"
    " c.relfilenode::bigint, coalesce(a.columns, '{}'), coalesce(a.filled, '{}'),"
    " ARRAY(WITH RECURSIVE named AS ("
    "   SELECT c.oid AS relation, c.relispartition, c.relname, c.relnamespace UNION ALL"
    "   SELECT p.oid, p.relispartition, p.relname, p.relnamespace FROM named"
    "   JOIN pg_catalog.pg_inherits i ON i.inhrelid = named.relation AND named.relispartition"
    "   JOIN pg_catalog.pg_class p ON p.oid = i.inhparent)"
    "  SELECT unnest(ARRAY[pn.nspname::text, relname::text]) FROM named"
    "  JOIN pg_catalog.pg_namespace pn ON pn.oid = relnamespace)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN LATERAL (SELECT array_agg(described) AS columns,"
    "  array_agg(described) FILTER (WHERE has_values) AS filled"
    "  FROM (SELECT concat_ws(' ', attnum, quote_ident(attname), atttypid, atttypmod,"
    "    (SELECT md5(string_agg(enumlabel, ',' ORDER BY e.oid)) FROM pg_catalog.pg_enum e"
    "     WHERE e.enumtypid = atttypid)) AS described,"
    "    atthasdef OR atthasmissing OR attidentity <> '' AS has_values"
    "   FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)"
    "  AS attributes) a ON true"
    " WHERE c.relkind = 'r' AND c.relpersistence = 'p'"
    " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'brigade')";

Tables load_present(const ActivePlans& plans) {
  const pg::Rows rows = pg::execute(tables_statement);
  Tables tables;
  for (size_t row = 0; row < rows.size(); row++) {
    std::set<int32_t> definitions = definitions_of(plans, rows.texts(row, 6));
    if (definitions.empty()) continue;
    Table table = read_table(rows, row);
    table.filled_columns = read_texts(rows, row, 5);
    table.definitions = std::move(definitions);
    tables.emplace(table.name, std::move(table));
  }
  return tables;
}

std::vector<int32_t> difference(const std::set<int32_t>& left, const std::set<int32_t>& right) {
  std::vector<int32_t> result;
  std::set_difference(left.begin(), left.end(), right.begin(), right.end(),
                      std::back_inserter(result));
  return result;
}

// Whether what rows from before show may differ now. A new column that is null in them does not
// change them.
bool columns_changed(const Table& before, const Table& now) {
  const auto known = [&](const std::string& column) { return before.columns.contains(column); };
  return !std::includes(now.columns.begin(), now.columns.end(), before.columns.begin(),
                        before.columns.end()) ||
         !std::all_of(now.filled_columns.begin(), now.filled_columns.end(), known);
}

// Why the table must be copied again into definitions that had it before; null if it need not.
const char* reason_to_copy(const Table& before, const Table& now) {
  if (columns_changed(before, now)) return "columns changed";
  if (before.relation != now.relation) return "replaced";
  if (before.file_node != now.file_node) return "rewritten";
  if (before.replica_identity != now.replica_identity) return "replica identity changed";
  return nullptr;
}

// What others still copy of the table goes on.
void leave_queue_of(uint32_t relation, const std::vector<int32_t>& definitions) {
  pg::execute(
      "UPDATE brigade.table_copy SET definitions ="
      " ARRAY(SELECT unnest(definitions) EXCEPT SELECT unnest($2) ORDER BY 1)"
      " WHERE relation = $1::oid AND definitions && $2",
      pg::Parameters().add(static_cast<int64_t>(relation)).add(definitions));
  pg::execute("DELETE FROM brigade.table_copy WHERE definitions = '{}'");
}

class CatalogComparison {
 public:
  CatalogComparison(const ActivePlans& plans, const StoredUntil& since) : since_(since) {
    for (const auto& plan : plans) {
      evaluated_.insert(plan->definition_ids.begin(), plan->definition_ids.end());
    }
  }

  // Those of one name; null if there was or is none.
  void compare(const Table* before, const Table* now) {
    const bool was_left =
        before != nullptr && (now == nullptr || now->relation != before->relation);
    if (was_left) leave(*before);
    if (now == nullptr) {
      forget(*before, {before->definitions.begin(), before->definitions.end()});
    } else if (before == nullptr) {
      enqueue(*now, "new", {now->definitions.begin(), now->definitions.end()}, since_);
    } else {
      compare_definitions(*before, *now);
    }
  }

  CatalogChanges take_changes() { return std::move(changes_); }

 private:
  void compare_definitions(const Table& before, const Table& now) {
    const std::vector<int32_t> gone = difference(before.definitions, now.definitions);
    if (!gone.empty()) forget(before, gone);
    const std::vector<int32_t> added = difference(now.definitions, before.definitions);
    const char* reason = reason_to_copy(before, now);
    if (reason != nullptr) {
      enqueue(now, reason, {now.definitions.begin(), now.definitions.end()}, {});
    } else if (!added.empty()) {
      enqueue(now, "new", added, since_);
    }
  }

  // Nothing reads that relation any more, whatever has its name.
  void leave(const Table& table) {
    changes_.unread.push_back(table_prefix(table.name));
    leave_queue(table, {table.definitions.begin(), table.definitions.end()});
  }

  // Definitions that no plan has any more are dropped as a whole.
  void forget(const Table& table, std::vector<int32_t> definitions) {
    std::erase_if(definitions, [&](int32_t id) { return !evaluated_.contains(id); });
    if (definitions.empty()) return;
    changes_.gone.push_back({definitions, table_prefix(table.name)});
    leave_queue(table, definitions);
  }

  void leave_queue(const Table& table, const std::vector<int32_t>& definitions) {
    leave_queue_of(table.relation, definitions);
    changes_.queue_changed = true;
  }

  void enqueue(const Table& table, const char* reason, const std::vector<int32_t>& definitions,
               const StoredUntil& since) {
    enqueue_copy(table.relation, table.name, reason, definitions, since);
    changes_.queue_changed = true;
  }

  StoredUntil since_;
  std::set<int32_t> evaluated_;
  CatalogChanges changes_;
};

void store_followed(const Tables& tables) {
  pg::execute("DELETE FROM brigade.followed_table");
  for (const auto& [name, table] : tables) {
    const std::vector<std::string_view> columns(table.columns.begin(), table.columns.end());
    const std::vector<int32_t> definitions(table.definitions.begin(), table.definitions.end());
    pg::execute("INSERT INTO brigade.followed_table VALUES ($1::oid, $2, $3, $4, $5, $6)",
                pg::Parameters()
                    .add(static_cast<int64_t>(table.relation))
                    .add(name)
                    .add(table.replica_identity)
                    .add(table.file_node)
                    .add(columns)
                    .add(definitions));
  }
}

const Table* find(const Tables& tables, const std::string& name) {
  const auto entry = tables.find(name);
  return entry == tables.end() ? nullptr : &entry->second;
}

bool is_same(const Table& left, const Table& right) {
  return left.name == right.name && left.relation == right.relation &&
         left.replica_identity == right.replica_identity && left.file_node == right.file_node &&
         left.columns == right.columns && left.definitions == right.definitions;
}

}  // namespace

void enqueue_all(const std::string& reason) {
  const pg::SqlScope sql;
  pg::execute("DELETE FROM brigade.table_copy");
  for (const auto& [name, table] : load_followed()) {
    enqueue_copy(table.relation, name, reason, {table.definitions.begin(), table.definitions.end()},
                 {});
  }
}

struct CatalogLook::State {
  ActivePlans plans;
  Tables before;
  Tables now;
};

CatalogLook::CatalogLook(const ActivePlans& plans) {
  const pg::SqlScope sql;
  state_ = std::make_unique<const State>(State{plans, load_followed(), load_present(plans)});
}

CatalogLook::CatalogLook(CatalogLook&&) noexcept = default;
CatalogLook::~CatalogLook() = default;

bool CatalogLook::found_changes() const {
  return !std::equal(
      state_->before.begin(), state_->before.end(), state_->now.begin(), state_->now.end(),
      [](const auto& left, const auto& right) { return is_same(left.second, right.second); });
}

CatalogChanges CatalogLook::carry_out(const StoredUntil& since) const {
  const pg::SqlScope sql;
  CatalogComparison comparison(state_->plans, since);
  const Tables before = load_followed();  // with what the stream has told since the look
  for (const auto& [name, table] : before) {
    comparison.compare(&table, find(state_->now, name));
  }
  for (const auto& [name, table] : state_->now) {
    if (find(before, name) == nullptr) comparison.compare(nullptr, &table);
  }
  store_followed(state_->now);
  return comparison.take_changes();
}

}  // namespace brigade
