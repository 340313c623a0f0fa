#include "sync_config/unstorable_scalar.h"

#include <yaml-cpp/eventhandler.h>

#include <sstream>

#include "sync_config/utf8.h"

namespace brigade {

namespace {

// Events come once for each scalar, however often an alias repeats it.
class ScalarCheck : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> unstorable() const { return unstorable_; }

  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    if (!unstorable_ && storable_length(value) < value.size()) unstorable_ = mark;
  }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/,
                       YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}

 private:
  std::optional<YAML::Mark> unstorable_;
};

}  // namespace

std::optional<YAML::Mark> find_unstorable_scalar(const std::string& yaml) {
  std::istringstream input(yaml);
  YAML::Parser parser(input);
  ScalarCheck check;
  parser.HandleNextDocument(check);
  return check.unstorable();
}

}  // namespace brigade
