#pragma once

struct sqlite3;

namespace brigade {

// Adds the functions that the language has and SQLite lacks: base64, uuid_blob, json_keys.
void register_functions(sqlite3* connection);

}  // namespace brigade
