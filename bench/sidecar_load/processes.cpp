#include "processes.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace brigade::bench {

namespace {

/// Fields of /proc/PID/stat, counted from 1.
enum StatField { parent = 4, user = 14, system = 15, children_user = 16, children_system = 17 };

double stat_field(long pid, StatField number) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  // The name of the process, field 2, may hold blanks.
  std::istringstream words(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string word = "0";
  for (int field = 3; field <= number; field++) words >> word;
  return std::strtod(word.c_str(), nullptr);
}

double to_seconds(double ticks) { return ticks / static_cast<double>(sysconf(_SC_CLK_TCK)); }

}  // namespace

long resident_kib(long pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    if (word != "VmRSS:") continue;
    long kib = 0;
    status >> kib;
    return kib;
  }
  return 0;
}

double cpu_s(long pid) {
  return to_seconds(stat_field(pid, StatField::user) + stat_field(pid, StatField::system));
}

double family_cpu_s(long pid) {
  double sum = cpu_s(pid) + to_seconds(stat_field(pid, StatField::children_user) +
                                       stat_field(pid, StatField::children_system));
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::string name = entry.path().filename();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return std::isdigit(c); })) continue;
    long other = std::stol(name);
    if (static_cast<long>(stat_field(other, StatField::parent)) == pid) sum += cpu_s(other);
  }
  return sum;
}

}  // namespace brigade::bench
