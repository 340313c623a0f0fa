#include "storage/serving_plan.h"

#include "pg/spi.h"

namespace brigade {

namespace {

std::shared_ptr<const ServingPlan> load_serving_plan(int32_t config_id) {
  const pg::Rows config =
      pg::query("SELECT plan, definitions FROM brigade.sync_config WHERE id = $1",
                pg::Parameters().add(config_id));
  auto serving = std::make_shared<ServingPlan>();
  serving->config_id = config_id;
  serving->plan = deserialize(config.bytes(0, 0));
  serving->definition_ids = config.integers(0, 1);
  const pg::Rows names = pg::query(
      "SELECT d.bucket_name FROM unnest($1) WITH ORDINALITY AS wanted (id, i)"
      " JOIN brigade.definition d USING (id) ORDER BY i",
      pg::Parameters().add(serving->definition_ids));
  for (size_t row = 0; row < names.size(); row++) {
    serving->bucket_names.emplace_back(names.bytes(row, 0));
  }
  return serving;
}

}  // namespace

std::shared_ptr<const ServingPlan> serving_plan() {
  static std::shared_ptr<const ServingPlan> kept;
  const pg::Rows active = pg::query("SELECT id FROM brigade.sync_config WHERE state = 'active'");
  if (active.empty()) return nullptr;
  const int32_t config_id = active.integer(0, 0);
  if (kept == nullptr || kept->config_id != config_id) kept = load_serving_plan(config_id);
  return kept;
}

}  // namespace brigade
