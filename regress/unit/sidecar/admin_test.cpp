#include <gtest/gtest.h>

#include "admin/diagnostics.h"

namespace brigade::sidecar {
namespace {

OrderedJson diagnostics_with(const char* states) {
  auto json = OrderedJson::parse(R"({"status":{"lsn":"0/1","committed_at":"t","lag_bytes":5,
    "slot_name":"s","wal_status":"reserved","last_error":"e","last_error_at":"u"},
    "progress":[{"table_name":"lists"}],"configs":[]})");
  for (const auto& state : OrderedJson::parse(states)) {
    json["configs"].push_back({{"state", state},
                               {"content", "yaml"},
                               {"error", state == "errored" ? OrderedJson("why") : nullptr},
                               {"deployed_at", "d"},
                               {"streams", {"lists"}},
                               {"tables", {{{"schema", "public"}, {"name", "lists"}}}}});
  }
  return json;
}

TEST(Diagnostics, OfAConfigInForce) {
  auto data = describe_instance(diagnostics_with(R"(["active"])"), "postgresql://h/d", true);
  EXPECT_EQ(data["connections"][0]["postgres_uri"], "postgresql://h/d");
  const auto& rules = data["active_sync_rules"];
  EXPECT_EQ(rules["content"], "yaml");
  EXPECT_EQ(rules["connections"][0]["slot_name"], "s");
  EXPECT_EQ(rules["connections"][0]["initial_replication_done"], true);
  EXPECT_EQ(rules["connections"][0]["replication_lag_bytes"], 5);
  EXPECT_EQ(rules["connections"][0]["tables"][0]["name"], "lists");
  EXPECT_EQ(rules["errors"][0]["message"], "e");
  EXPECT_FALSE(data.contains("deploying_sync_rules"));
  EXPECT_FALSE(
      describe_instance(diagnostics_with(R"(["active"])"), "", false)["active_sync_rules"].contains(
          "content"));
}

TEST(Diagnostics, OfADeploy) {
  auto data = describe_instance(diagnostics_with(R"(["active","processing"])"), "", false);
  EXPECT_EQ(data["deploying_sync_rules"]["connections"][0]["initial_replication_done"], false);
  EXPECT_EQ(data["deploying_sync_rules"]["progress"][0]["table_name"], "lists");
  auto failed = describe_instance(diagnostics_with(R"(["errored"])"), "", false);
  EXPECT_FALSE(failed.contains("active_sync_rules"));
  EXPECT_EQ(failed["deploying_sync_rules"]["errors"][0]["message"], "why");
}

TEST(Diagnostics, SyncRules) {
  auto rules = describe_sync_rules(diagnostics_with(R"(["active"])"));
  EXPECT_EQ(rules["current"]["content"], "yaml");
  EXPECT_EQ(rules["current"]["bucket_definitions"], OrderedJson::parse(R"(["stream lists"])"));
  EXPECT_EQ(rules["current"]["source_tables"][0]["pattern"], "lists");
  EXPECT_TRUE(rules["next"].is_null());
  EXPECT_TRUE(describe_sync_rules(diagnostics_with("[]")).is_null());
}

TEST(Diagnostics, DatabaseUriWithoutSecrets) {
  EXPECT_EQ(public_database_uri("postgresql://u:geheim@h:5433/d?sslmode=require"),
            "postgresql://h:5433/d");
  EXPECT_EQ(public_database_uri("host=a,b port=1,2 dbname=d password=geheim"),
            "postgresql://a:1,b:2/d");
  EXPECT_EQ(public_database_uri("host=a,b port=1 dbname=d"), "postgresql://a:1,b:1/d");
  EXPECT_EQ(public_database_uri("host=/run/postgres dbname=d"), "postgresql:///run/postgres/d");
  EXPECT_EQ(public_database_uri("not a string").find("geheim"), std::string::npos);
}

}  // namespace
}  // namespace brigade::sidecar
