// Which instruction set level the kernels run at.
#pragma once

namespace keel::kernels {

#if defined(KEEL_NATIVE)
inline constexpr int kNumIsaLevels = 1;
inline constexpr const char* kIsaNames[kNumIsaLevels] = {"native"};  // what the machine that built it has
#elif defined(__x86_64__)
inline constexpr int kNumIsaLevels = 3;
inline constexpr const char* kIsaNames[kNumIsaLevels] = {"v2", "v3", "v4"};  // x86-64-v2, ...
#else
inline constexpr int kNumIsaLevels = 1;
inline constexpr const char* kIsaNames[kNumIsaLevels] = {"base"};
#endif

// The highest level that this processor has.
int best_isa_level();

// The level in force, an index into kIsaNames: the best one, or the one that the environment variable
// KEEL_ISA names.   throws: std::invalid_argument if the name is unknown, or above what the processor has: a
// forced level is a test, and a test that silently measured something else would be worse than none.
int isa_level();

}  // namespace keel::kernels
