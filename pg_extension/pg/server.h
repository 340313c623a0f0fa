#pragma once

// The server's headers, made fit for C++: wrapped in extern "C", and rid of the macros that replace
// the C library's printf family, which would break every C++ header included later.

extern "C" {
// clang-format off
#include "postgres.h"
// clang-format on
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"  // was a part of postgres.h
#endif
}

#undef vsnprintf
#undef snprintf
#undef vsprintf
#undef sprintf
#undef vfprintf
#undef fprintf
#undef vprintf
#undef printf
#undef strerror
#undef strerror_r
#undef gettext
#undef ngettext
#undef _
