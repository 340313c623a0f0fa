#pragma once

#include <string>

namespace brigade::sidecar {

/// The URL of a Supabase project's keys, derived from the connection string of its database
/// (`db.REF.supabase.co`, or the user `postgres.REF` of its pooler); empty for other databases.
std::string supabase_jwks_uri(const std::string& database_uri);

}  // namespace brigade::sidecar
