// Philox4x32-10: four random 32-bit numbers as a pure function of a 128-bit counter and a 64-bit key.
// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11, section 3 and its table of constants.
#pragma once

#include <cstdint>

namespace keel::kernels {
namespace {

struct PhiloxBlock {
  std::uint32_t value[4];
};

// Numbers 4 * block ... 4 * block + 3 of stream `stream` for seed `seed`.
inline PhiloxBlock philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t block) {
  std::uint32_t c0 = static_cast<std::uint32_t>(block), c1 = static_cast<std::uint32_t>(block >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(stream), c3 = static_cast<std::uint32_t>(stream >> 32);
  std::uint32_t k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
  // Unrolled, so that a loop over blocks has straight code inside and becomes one over vectors.
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(p1);
    c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {{c0, c1, c2, c3}};
}

}  // namespace
}  // namespace keel::kernels
