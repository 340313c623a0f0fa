#include "config/supabase.h"

#include <regex>

namespace brigade::sidecar {

std::string supabase_jwks_uri(const std::string& database_uri) {
  static const std::regex direct(R"((?:^|[@/=' ])db\.([a-z0-9]+)\.supabase\.(?:co|in|net))");
  static const std::regex pooler(R"(postgres\.([a-z0-9]+)[:@' ].*\.pooler\.supabase\.com)");
  std::smatch match;
  bool found = std::regex_search(database_uri, match, direct) ||
               std::regex_search(database_uri, match, pooler);
  if (!found) return "";
  return "https://" + match[1].str() + ".supabase.co/auth/v1/.well-known/jwks.json";
}

}  // namespace brigade::sidecar
