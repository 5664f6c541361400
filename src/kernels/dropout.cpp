#include "kernels/dropout.h"

#include "kernels/parallel.h"
#include "kernels/philox.h"

namespace keel::kernels::KEEL_ISA {
namespace {

constexpr Index kBlocks = 16;  // drawn at a time, a vector of each of their four numbers
constexpr Index kNumbers = 4 * kBlocks;
constexpr Index kChunk = 1 << 12;  // elements; a multiple of kNumbers
constexpr double kCost = 5;        // operations an element takes

// Numbers 4 * block and so on of the stream.
inline void draw(const DropoutMask& mask, std::uint64_t block, std::uint32_t* __restrict numbers) {
  std::uint32_t parts[4][kBlocks];
  for (Index l = 0; l < kBlocks; ++l) {
    const PhiloxBlock drawn = philox(mask.seed, mask.stream, block + static_cast<std::uint64_t>(l));
    for (int k = 0; k < 4; ++k) parts[k][l] = drawn.value[k];
  }
  for (Index l = 0; l < kBlocks; ++l) {
    for (int k = 0; k < 4; ++k) numbers[4 * l + k] = parts[k][l];
  }
}

// y = x / (1 - rate) where kept, else 0: element i is decided by number i of the stream.
template <class T>
void dropout_kernel(const T* x_all, T* y_all, Index n, const DropoutMask* mask) {
  // A number below rate * 2^32 means 0.
  const auto threshold = static_cast<std::uint32_t>(mask->rate * 0x1p32);
  const T kept = static_cast<T>(1 / (1 - mask->rate));
  for_chunks(n, kChunk, static_cast<double>(n) * kCost, [=](Index begin, Index end, Index) {
    for (Index i = begin; i < end; i += kNumbers) {
      std::uint32_t numbers[kNumbers];
      draw(*mask, static_cast<std::uint64_t>(i) / 4, numbers);
      const T* __restrict x = x_all + i;
      T* __restrict y = y_all + i;
      const Index count = end - i < kNumbers ? end - i : kNumbers;
      // Not x * 0: what was infinite is gone as well.
      for (Index k = 0; k < count; ++k) {
        const T scaled = x[k] * kept;
        y[k] = numbers[k] >= threshold ? scaled : T(0);
      }
    }
  });
}

}  // namespace

const Entry<DropoutKernel> dropout = {dropout_kernel<float>, dropout_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
