#pragma once

namespace brigade::bench {

long resident_kib(long pid);
/// User and system time of a process so far, in seconds.
double cpu_s(long pid);
/// Of a process and its children, those that have ended included.
double family_cpu_s(long pid);

}  // namespace brigade::bench
