#pragma once

struct sqlite3;

namespace brigade {

// Registers unixepoch() and datetime() in place of SQLite's: with the modifier 'subsec', which
// SQLite has since 3.42, and null for 'now', since a synced value must not depend on when it is
// computed.
void register_time_functions(sqlite3* connection);

}  // namespace brigade
