#include "kernels/dispatch/isa.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace keel::kernels {

int best_isa_level() {
#ifdef __x86_64__
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  return v4 ? 2 : v3 ? 1 : 0;
#else
  return 0;
#endif
}

namespace {

int pick_level() {
  const int best = best_isa_level();
  const char* forced = std::getenv("KEEL_ISA");
  if (forced == nullptr || *forced == '\0') return best;
  for (int level = 0; level < kNumIsaLevels; ++level) {
    if (std::strcmp(forced, kIsaNames[level]) == 0 && level <= best) return level;
  }
  std::fprintf(stderr, "error: KEEL_ISA=%s: expected a level up to %s, the best of this processor\n", forced,
               kIsaNames[best]);
  std::exit(2);
}

}  // namespace

int isa_level() {
  static const int level = pick_level();
  return level;
}

}  // namespace keel::kernels
