#pragma once

#include <cstdio>
#include <cstdlib>

namespace brigade::fuzz {

// Aborts, after telling which promise was broken.
inline void require(bool condition, const char* promise) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

}  // namespace brigade::fuzz
