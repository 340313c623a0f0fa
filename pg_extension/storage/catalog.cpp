#include "storage/catalog.h"

#include "pg/spi.h"

namespace brigade {

Head load_head() {
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT commit_id, op_id, lsn, (SELECT coalesce(max(id), 0) FROM brigade.bucket)"
      " FROM brigade.checkpoint");
  Head head;
  head.commit_id = rows.bigint(0, 0);
  head.op_id = rows.bigint(0, 1);
  head.lsn = rows.lsn(0, 2);
  head.bucket_id = rows.bigint(0, 3);
  return head;
}

namespace {

PendingConfig read_pending_config(const pg::Rows& rows) {
  PendingConfig config{rows.integer(0, 0), deserialize(rows.bytes(0, 1)), false};
  config.begun = !rows.is_null(0, 2);
  return config;
}

std::shared_ptr<const ActivePlan> load_plan(const pg::Rows& rows, size_t row) {
  auto plan = std::make_shared<ActivePlan>();
  plan->config_id = rows.integer(row, 0);
  plan->plan = deserialize(rows.bytes(row, 1));
  plan->definition_ids = rows.integers(row, 2);
  return plan;
}

}  // namespace

std::optional<PendingConfig> find_pending_config() {
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT id, plan, definitions FROM brigade.sync_config WHERE state = 'processing'"
      " ORDER BY id DESC LIMIT 1");
  if (rows.empty()) return std::nullopt;
  return read_pending_config(rows);
}

void deploy_restored_config() {
  const pg::SqlScope sql;
  pg::execute(
      "UPDATE brigade.sync_config SET state = 'processing', definitions = NULL,"
      " activated_at = NULL, retained_until = NULL"
      " WHERE state = 'active' AND definitions <> '{}' AND NOT EXISTS"
      " (SELECT FROM brigade.definition WHERE id = ANY (definitions))");
}

ActivePlans load_active_plans() {
  const pg::SqlScope sql;
  const pg::Rows rows = pg::execute(
      "SELECT id, plan, definitions FROM brigade.sync_config"
      " WHERE (state IN ('active', 'processing') OR retained_until IS NOT NULL)"
      " AND definitions IS NOT NULL ORDER BY state = 'active' DESC, id");
  ActivePlans plans;
  for (size_t row = 0; row < rows.size(); row++) plans.push_back(load_plan(rows, row));
  return plans;
}

namespace {

int32_t create_definition(const Definition& definition, bool versioned_bucket_ids) {
  const char* kind =
      definition.kind == Definition::Kind::bucket_source ? "bucket_source" : "lookup_index";
  const pg::Rows created = pg::execute(
      "INSERT INTO brigade.definition (digest, canonical, kind, bucket_name, state)"
      " VALUES ($1, $2, $3, $4, 'staging') RETURNING id",
      pg::Parameters()
          .add(definition.digest)
          .add(definition.canonical)
          .add(kind)
          .add(definition.bucket_name));
  const int32_t id = created.integer(0, 0);
  if (versioned_bucket_ids) {
    pg::execute(
        "UPDATE brigade.definition SET bucket_name = id || '#' || bucket_name WHERE id = $1",
        pg::Parameters().add(id));
  }
  return id;
}

}  // namespace

std::vector<int32_t> find_or_create_definitions(const Plan& plan) {
  const pg::SqlScope sql;
  std::vector<int32_t> ids;
  for (const Definition& definition : plan.definitions) {
    const pg::Rows found = pg::execute("SELECT id FROM brigade.definition WHERE digest = $1",
                                       pg::Parameters().add(definition.digest));
    ids.push_back(found.empty() ? create_definition(definition, plan.versioned_bucket_ids)
                                : found.integer(0, 0));
  }
  return ids;
}

namespace {

// Nobody asks for them from now on; compaction deletes what they hold, which may be much. Their
// digest is free for a definition that starts anew.
void drop_definitions(const std::vector<int32_t>& gone) {
  const auto parameters = [&] { return pg::Parameters().add(gone); };
  // Others that the same tables are being copied into keep what they have.
  pg::execute(
      "UPDATE brigade.table_copy SET definitions ="
      " ARRAY(SELECT unnest(definitions) EXCEPT SELECT unnest($1)) WHERE definitions && $1",
      parameters());
  pg::execute("DELETE FROM brigade.table_copy WHERE definitions = '{}'");
  pg::execute(
      "UPDATE brigade.definition SET state = 'dropping', digest = digest || ' dropped ' || id"
      " WHERE id = ANY ($1)",
      parameters());
}

void drop_unused_definitions() {
  const pg::Rows unused = pg::execute(
      "SELECT id FROM brigade.definition WHERE state <> 'dropping' AND id NOT IN"
      " (SELECT unnest(definitions) FROM brigade.sync_config"
      " WHERE state IN ('active', 'processing') OR retained_until IS NOT NULL)");
  std::vector<int32_t> gone;
  for (size_t row = 0; row < unused.size(); row++) gone.push_back(unused.integer(row, 0));
  if (!gone.empty()) drop_definitions(gone);
}

}  // namespace

void begin_config(const PendingConfig& config) {
  const pg::SqlScope sql;
  pg::execute(
      "UPDATE brigade.sync_config SET state = 'stopped' WHERE state = 'processing' AND id < $1",
      pg::Parameters().add(config.id));
  const std::vector<int32_t> definitions = find_or_create_definitions(config.plan);
  pg::execute("UPDATE brigade.sync_config SET definitions = $2 WHERE id = $1",
              pg::Parameters().add(config.id).add(definitions));
  drop_unused_definitions();
}

void drop_cancelled() {
  const pg::SqlScope sql;
  drop_unused_definitions();
}

bool end_retention() {
  const pg::SqlScope sql;
  const pg::Rows ended = pg::execute(
      "UPDATE brigade.sync_config SET retained_until = NULL WHERE retained_until < now()"
      " RETURNING id");
  if (!ended.empty()) drop_unused_definitions();
  return !ended.empty();
}

void activate_config(int32_t config, int retention_s) {
  const pg::SqlScope sql;
  pg::execute(
      "UPDATE brigade.sync_config SET state = 'stopped',"
      " retained_until = CASE WHEN $1 > 0 THEN now() + $1 * interval '1 second' END"
      " WHERE state = 'active'",
      pg::Parameters().add(retention_s));
  pg::execute("UPDATE brigade.sync_config SET state = 'active', activated_at = now() WHERE id = $1",
              pg::Parameters().add(config));
  pg::execute(
      "UPDATE brigade.definition SET state = 'live'"
      " WHERE id IN (SELECT unnest(definitions) FROM brigade.sync_config WHERE id = $1)",
      pg::Parameters().add(config));
  drop_unused_definitions();
}

void mark_config_errored(int32_t config, const std::string& error) {
  const pg::SqlScope sql;
  pg::execute("UPDATE brigade.sync_config SET state = 'errored', error = $2 WHERE id = $1",
              pg::Parameters().add(config).add(error));
}

}  // namespace brigade
