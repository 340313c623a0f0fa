#include "sync_config/compiler.h"

#include "sync_config/bucket_definitions.h"
#include "sync_config/config_options.h"
#include "sync_config/config_text.h"
#include "sync_config/stream_compiler.h"
#include "sync_config/unstorable_scalar.h"
#include "sync_config/utf8.h"

namespace brigade {

namespace {

constexpr size_t config_bytes_max = 1 << 20;

void compile_document(const YAML::Node& root, ConfigText& text, Plan& plan) {
  if (!root.IsMap()) {
    text.error(root, "a sync config must be a map", "Start with `config:` and `streams:`.");
    return;
  }
  if (root["sync_config"] || root["replication"]) {
    text.error(root, "this is the service's configuration, not a sync config",
               "Deploy the text below sync_config, or the file that it names.");
    return;
  }
  text.reject_unknown_keys(root,
                           {"config", "streams", "with", "bucket_definitions", "event_definitions"},
                           "the sync config");
  const int edition = read_options(root["config"], text, plan);
  if (root["with"] && edition < 3) {
    text.error(root["with"], "a global `with:` needs edition 3", "Set config: edition: 3.");
  }
  if (!root["streams"] && !root["bucket_definitions"]) {
    text.error(root, "the sync config has no streams", "Add `streams:` with at least one stream.");
    return;
  }
  if (root["streams"]) compile_streams(root["streams"], root["with"], text, plan);
  if (root["bucket_definitions"]) {
    compile_bucket_definitions(root["bucket_definitions"], text, plan);
  }
}

}  // namespace

Compilation compile(std::string_view yaml) {
  ConfigText text(yaml);
  Plan plan;
  if (yaml.size() > config_bytes_max) {
    text.error(YAML::Mark(), "the sync config is larger than 1 MiB", "Make it shorter.");
  } else if (const size_t length = storable_length(yaml); length < yaml.size()) {
    text.error_at(length, "this byte is not text in UTF-8", "Save the sync config as UTF-8.");
  } else {
    try {
      const std::string document(yaml);
      if (const std::optional<YAML::Mark> mark = find_unstorable_scalar(document)) {
        text.error(*mark, "this text has the character NUL, or an escape \\N or \\_",
                   "Remove it, or write the character itself.");
      } else {
        compile_document(YAML::Load(document), text, plan);
      }
    } catch (const YAML::Exception& exception) {
      text.error(exception.mark, "not valid YAML: " + exception.msg, "Check the indentation.");
    }
  }
  Compilation compilation;
  if (!text.has_errors()) compilation.plan = std::move(plan);
  compilation.diagnostics = text.take_diagnostics();
  compilation.table_uses = text.take_table_uses();
  return compilation;
}

}  // namespace brigade
