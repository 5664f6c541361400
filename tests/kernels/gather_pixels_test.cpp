#include "kernels/gather_pixels.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/kernel_levels.h"

namespace keel::kernels {
namespace {

using testing::on_every_level;
using testing::unwritten;

template <class T>
class GatherPixels : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(GatherPixels, Types);

// Every byte occurs in every row; the longest batches are worth several threads.
TYPED_TEST(GatherPixels, IsTheQuotientBy255) {
  using T = TypeParam;
  constexpr Index kImages = 50;
  for (const Index pixels : {Index{1}, Index{3}, Index{63}, Index{256}, Index{785}}) {
    std::vector<std::uint8_t> images(static_cast<std::size_t>(kImages * pixels));
    for (std::size_t i = 0; i < images.size(); ++i) images[i] = static_cast<std::uint8_t>(i * 13 + i / 256);
    for (const Index n : {0, 1, 7, 700}) {
      SCOPED_TRACE(::testing::Message() << n << " images of " << pixels);
      std::vector<std::int32_t> rows(static_cast<std::size_t>(n));
      for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i] = static_cast<std::int32_t>((i * i + 49) % kImages);
      on_every_level<T>(
          gather_pixels, unwritten<T>(n * pixels),
          [&](auto* function, T* y) { function(images.data(), rows.data(), y, n, pixels); },
          [&](const std::vector<T>& y) {
            Index wrong = 0;
            for (Index i = 0; i < n * pixels; ++i) {
              const Index at = rows[static_cast<std::size_t>(i / pixels)] * pixels + i % pixels;
              const T expected = static_cast<T>(images[static_cast<std::size_t>(at)]) / T(255);
              wrong += y[static_cast<std::size_t>(i)] == expected ? 0 : 1;
            }
            EXPECT_EQ(wrong, 0);
          });
    }
  }
}

}  // namespace
}  // namespace keel::kernels
