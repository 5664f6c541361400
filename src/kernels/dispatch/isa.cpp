#include "kernels/dispatch/isa.h"

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#if defined(__x86_64__) && !defined(KEEL_NATIVE)
#define KEEL_X86_LEVELS
#include <cpuid.h>
#endif

namespace keel::kernels {
namespace {

#ifdef KEEL_X86_LEVELS
// What x86-64-v3 has besides the names that every compiler's __builtin_cpu_supports knows.
bool has_f16c_movbe_lzcnt() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kMovbe = 1U << 22, kF16c = 1U << 29;
  if ((c & kMovbe) == 0 || (c & kF16c) == 0) return false;
  constexpr unsigned kLzcnt = 1U << 5;
  return __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c & kLzcnt) != 0;
}
#endif

}  // namespace

int best_isa_level() {
#ifdef KEEL_X86_LEVELS
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && has_f16c_movbe_lzcnt();
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
  throw std::invalid_argument("KEEL_ISA=" + std::string(forced) + ": expected a level up to " +
                              kIsaNames[best] + ", the best of this processor");
}

}  // namespace

int isa_level() {
  static const int level = pick_level();
  return level;
}

}  // namespace keel::kernels
