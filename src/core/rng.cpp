#include "keel/core/rng.h"

#include <cmath>
#include <numbers>
#include <utility>

#include "keel/core/error.h"
#include "kernels/philox.h"

namespace keel {

std::uint32_t Rng::next_u32() {
  const std::uint64_t block = position_ / 4;
  if (block_index_plus_1_ != block + 1) {
    const kernels::PhiloxBlock numbers = kernels::philox(seed_, stream_, block);
    for (std::size_t i = 0; i < 4; ++i) block_[i] = numbers.value[i];
    block_index_plus_1_ = block + 1;
  }
  return block_[static_cast<std::size_t>(position_++ % 4)];
}

std::uint64_t Rng::next_u64() {
  const std::uint64_t low = next_u32();
  return low | static_cast<std::uint64_t>(next_u32()) << 32;
}

double Rng::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }

double Rng::uniform(double low, double high) { return low + (high - low) * uniform(); }

double Rng::normal() {
  // 1 - u is in (0, 1], so the logarithm is finite. The second number of each pair is dropped: a normal
  // number then is a function of its place in the stream alone.
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

Index Rng::below(Index n) {
  check<ValueError>(n >= 1, "[rng] below() expects a bound of at least 1, found {}", n);
  const std::uint64_t bound = static_cast<std::uint64_t>(n);
  // Numbers of the last, incomplete run of `bound` are drawn again.
  const std::uint64_t excess = (UINT64_MAX % bound + 1) % bound;
  std::uint64_t number = next_u64();
  while (number > UINT64_MAX - excess) number = next_u64();
  return static_cast<Index>(number % bound);
}

void Rng::shuffle(std::span<std::int32_t> values) {
  for (std::size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[static_cast<std::size_t>(below(static_cast<Index>(i)))]);
  }
}

Rng Rng::substream(std::uint64_t index) const {
  // A block of the stream one bit away names the substream: the generator's own mixing keeps streams apart.
  const kernels::PhiloxBlock name = kernels::philox(seed_ ^ 0x8000000000000000, stream_, index);
  return Rng(seed_, name.value[0] | static_cast<std::uint64_t>(name.value[1]) << 32);
}

}  // namespace keel
