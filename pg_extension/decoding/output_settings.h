#pragma once

// Some types' output functions depend on settings of the session: timestamps within composites and
// ranges on DateStyle and TimeZone, points on extra_float_digits, money on lc_monetary. Values that
// clients get must not, so whoever converts values first fixes these settings in one of two ways.
namespace brigade {

// Fixes them for the life of this process. Raises nothing but out-of-memory errors. For processes
// of our own: the worker calls it once, at its start.
void fix_output_settings();

// Fixes them in a session until leave_output_settings(). The end of the transaction, or of the
// subtransaction that fails, puts them back as well. Server zone: may raise.
// REQUIRES: a transaction is open. Returns what to give to leave_output_settings().
int enter_output_settings();
void leave_output_settings(int nest_level);

// Raises an ERROR if nobody has fixed them: a wrong value must not reach storage. Takes a few
// nanoseconds; it looks at the settings that a session is likely to change.
void require_output_settings();

}  // namespace brigade
