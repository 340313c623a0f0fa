#include "decoding/output_settings.h"

#include <cstring>

#include "pg/server.h"

extern "C" {
#include "pgtime.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
}

namespace brigade {

namespace {

struct Setting {
  const char* name;
  const char* value;
};

constexpr Setting settings[] = {
    {"DateStyle", "ISO, MDY"},
    {"TimeZone", "UTC"},
    {"IntervalStyle", "postgres"},
    {"extra_float_digits", "1"},
    {"bytea_output", "hex"},
    // Names of tables, functions and types (regclass and its kin) are qualified unless built in.
    {"search_path", "pg_catalog"},
    {"quote_all_identifiers", "off"},
};

void set_until_leave(const char* name, const char* value) {
  set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

}  // namespace

void fix_output_settings() {
  for (const Setting& setting : settings) {
    SetConfigOption(setting.name, setting.value, PGC_USERSET, PGC_S_OVERRIDE);
  }
}

int enter_output_settings() {
  const int nest_level = NewGUCNestLevel();
  for (const Setting& setting : settings) set_until_leave(setting.name, setting.value);
  // What an amount of money means is up to the server, whose currency and number of decimals
  // lc_monetary names. So it is not fixed to a value, but to what a new session would have.
  set_until_leave("lc_monetary", GetConfigOptionResetString("lc_monetary"));
  return nest_level;
}

void leave_output_settings(int nest_level) { AtEOXact_GUC(true, nest_level); }

void require_output_settings() {
  const bool fixed = DateStyle == USE_ISO_DATES && IntervalStyle == INTSTYLE_POSTGRES &&
                     extra_float_digits == 1 && bytea_output == BYTEA_OUTPUT_HEX &&
                     !quote_all_identifiers &&
                     strcmp(pg_get_timezone_name(session_timezone), "UTC") == 0;
  if (!fixed) elog(ERROR, "output settings must be fixed before values are converted");
}

}  // namespace brigade
