#include <gtest/gtest.h>

#include "config/settings.h"
#include "config/supabase.h"
#include "config/yaml_file.h"

namespace brigade::sidecar {
namespace {

constexpr const char* service_yaml = R"(
replication:
  connections:
    - type: postgresql
      uri: !env PS_URI
      sslmode: disable
port: !env PS_PORT
sync_config:
  content: |
    config:
      edition: 3
client_auth:
  jwks:
    keys:
      - {kty: oct, kid: a, k: eHh4}
  audience: [one, two]
api:
  tokens: [t]
  parameters: {max_buckets_per_connection: 500}
telemetry: {prometheus_port: 9090, disable_telemetry_sharing: true}
storage: {type: mongodb, uri: mongodb://x}
)";
const Environment environment{{"PS_URI", "postgresql://h/db"}, {"PS_PORT", "81"}, {"HOME", "/"}};

TEST(YamlFile, ServiceYamlWorksAsItIs) {
  Settings settings;
  EXPECT_EQ(read_yaml(service_yaml, ".", environment, settings), std::nullopt);
  EXPECT_EQ(settings.database_uri, "postgresql://h/db?sslmode=disable");
  EXPECT_EQ(settings.port, 81);
  EXPECT_EQ(settings.sync_config, "config:\n  edition: 3\n");
  EXPECT_EQ(settings.audiences, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(settings.jwks_json, R"({"keys":[{"k":"eHh4","kid":"a","kty":"oct"}]})");
  EXPECT_EQ(settings.buckets_max, 500);
  EXPECT_EQ(settings.metrics_port, 9090);
  EXPECT_EQ(settings.unused_keys, (std::vector<std::string>{"telemetry.disable_telemetry_sharing",
                                                            "storage.type", "storage.uri"}));
}

TEST(YamlFile, PartsOfAConnectionAreQuoted) {
  Settings settings;
  EXPECT_EQ(read_yaml("replication: {connections: [{type: postgresql, hostname: h, username: u, "
                      "password: \"it's \\\\ x\", database: d}]}",
                      ".", environment, settings),
            std::nullopt);
  EXPECT_EQ(settings.database_uri, "host='h' dbname='d' user='u' password='it\\'s \\\\ x'");
}

TEST(YamlFile, AdditionalAudiencesAreAccepted) {
  Settings settings;
  EXPECT_EQ(read_yaml("client_auth: {additional_audiences: [two, three], audience: [one]}", ".", {},
                      settings),
            std::nullopt);
  EXPECT_EQ(settings.audiences, (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_TRUE(settings.unused_keys.empty());
}

TEST(YamlFile, ErrorsNameThePlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"port: x", "line 1, column 7: port: 'x' is not a whole number"},
      {"port: 70000", "from 0 to 65535"},
      {"a: 1\nport: !env HOME", "line 2, column 7: !env reads only"},
      {"port: !env PS_NONE", "PS_NONE is not set"},
      {"- a", "must be a mapping"},
      {"sync_config: {path: /no/such/file}", "cannot read the file"},
      {"replication: {connections: [{}, {}]}", "exactly one connection"},
      {"a: [", "line"},
  };
  for (const auto& [text, message] : cases) {
    Settings settings;
    std::optional<std::string> error = read_yaml(text, ".", environment, settings);
    ASSERT_TRUE(error) << text;
    EXPECT_NE(error->find(message), std::string::npos) << *error;
  }
}

TEST(LoadSettings, FlagsWinOverVariables) {
  CommandLine command_line;
  Environment variables{{"BRIGADE_PORT", "1"}, {"BRIGADE_HOST", "h"}};
  auto settings = load_settings(
      {"--port", "2", "--database-uri", "x", "--audience", "a", "--jwks", "{}", "--check"},
      variables, command_line);
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->port, 2);
  EXPECT_EQ(settings->host, "h");
  EXPECT_EQ(command_line.action, CommandLine::Action::check);
}

TEST(LoadSettings, WhatIsMissingIsNamed) {
  CommandLine command_line;
  EXPECT_NE(load_settings({}, {}, command_line).error().find("no database"), std::string::npos);
  EXPECT_NE(load_settings({"--nonsense"}, {}, command_line).error().find("--help"),
            std::string::npos);
  auto no_audience = load_settings({"--database-uri", "x", "--jwks", "{}"}, {}, command_line);
  EXPECT_NE(no_audience.error().find("audience"), std::string::npos);
}

TEST(LoadSettings, SecretsAreNotPrinted) {
  Settings settings;
  settings.database_uri = "postgresql://u:geheim@h/d";
  settings.api_tokens = {"geheim"};
  EXPECT_EQ(print_settings(settings).find("geheim"), std::string::npos);
}

TEST(Supabase, KeysOfAProject) {
  const char* expected = "https://abcd.supabase.co/auth/v1/.well-known/jwks.json";
  EXPECT_EQ(supabase_jwks_uri("postgresql://postgres:x@db.abcd.supabase.co:5432/postgres"),
            expected);
  EXPECT_EQ(supabase_jwks_uri("postgresql://postgres.abcd:x@aws-0-eu.pooler.supabase.com/postgres"),
            expected);
  EXPECT_EQ(supabase_jwks_uri("postgresql://localhost/x"), "");
}

}  // namespace
}  // namespace brigade::sidecar
