// Winograd's convolution against the definition, at every instruction set level and with several threads.
#include "kernels/winograd.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/kernel_levels.h"
#include "support/reference_conv.h"

namespace keel::kernels {
namespace {

using testing::kEpsilon;
using testing::normal_values;
using testing::on_every_level;
using testing::ReferenceConv2d;
using testing::unwritten;

template <class T>
class Winograd : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Winograd, Types);

ReferenceConv2d convolution(Index n, Index h, Index w, Index c, Index k, Index pad) {
  return {.n = n, .h = h, .w = w, .c = c, .kh = 3, .kw = 3, .k = k, .pad_h = pad, .pad_w = pad};
}

// Odd and even sizes; channels around the lengths of vectors; more tiles than a block, and more images than
// parts, has.
const ReferenceConv2d kCases[] = {convolution(1, 3, 3, 1, 1, 0),   convolution(2, 5, 4, 3, 33, 1),
                                  convolution(1, 1, 2, 17, 16, 2), convolution(3, 7, 9, 20, 16, 1),
                                  convolution(11, 8, 8, 5, 40, 1), convolution(5, 28, 30, 16, 16, 1)};

WinogradSizes sizes_of(const ReferenceConv2d& r) {
  return {.n = r.n,
          .h = r.h,
          .w = r.w,
          .c = r.c,
          .k = r.k,
          .pad_h = r.pad_h,
          .pad_w = r.pad_w,
          .oh = r.oh(),
          .ow = r.ow()};
}

// on_every_level runs one thread and three; where nobody says how many, there may be more.
constexpr int kMostThreads = 3;
int threads() { return std::min(kMostThreads, num_threads()); }

template <class T>
std::vector<T> scratch_for(Index tiles, Index c, Index k) {
  return unwritten<T>(kMostThreads * winograd_scratch<T>(tiles, c, k));
}

template <class T>
testing::Values exact(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

// Of `terms` products of normal numbers: three times what rounding them one after the other may cost, for
// the sums and differences on the way there and back.
template <class T>
void expect_close(const std::vector<T>& found, const testing::Values& expected, Index terms) {
  ASSERT_EQ(found.size(), expected.size());
  const double tolerance = 3 * kEpsilon<T> * (4 + 2 * static_cast<double>(terms));
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(found[i], expected[i], tolerance) << "element " << i;
}

TYPED_TEST(Winograd, Forward) {
  using T = TypeParam;
  for (const ReferenceConv2d& r : kCases) {
    SCOPED_TRACE(fmt::format("{}x{}x{}x{} -> {}", r.n, r.h, r.w, r.c, r.k));
    const std::vector<T> x = normal_values<T>(r.x_size(), 1), weight = normal_values<T>(r.weight_size(), 2);
    const std::vector<T> bias = normal_values<T>(r.k, 3);
    for (const bool relu : {false, true}) {
      testing::Values expected = r.forward(exact(x), exact(weight), exact(bias));
      for (double& y : expected) y = relu && y < 0 ? 0 : y;
      std::vector<T> packed = unwritten<T>(16 * r.c * padded_channels<T>(r.k));
      std::vector<T> scratch = scratch_for<T>(kWinogradForwardTiles, r.c, r.k);
      std::size_t runs = 0;
      on_every_level<T>(
          winograd_forward, unwritten<T>(r.y_size()),
          [&](auto* function, T* y) {
            // Packed by the same level, which is run twice.
            testing::function_for<T> (*winograd_weights.levels[runs++ / 2])(weight.data(), packed.data(), r.c,
                                                                            r.k, false);
            function(x.data(), packed.data(), bias.data(), y, scratch.data(), threads(), sizes_of(r), relu);
          },
          [&](const std::vector<T>& y) { expect_close(y, expected, 9 * r.c); });
    }
  }
}

TYPED_TEST(Winograd, InputGradientIsAConvolutionWithFlippedWeights) {
  using T = TypeParam;
  for (const ReferenceConv2d& r : kCases) {
    SCOPED_TRACE(fmt::format("{}x{}x{}x{} -> {}", r.n, r.h, r.w, r.c, r.k));
    const std::vector<T> dy = normal_values<T>(r.y_size(), 1), weight = normal_values<T>(r.weight_size(), 2);
    const WinogradSizes back{.n = r.n,
                             .h = r.oh(),
                             .w = r.ow(),
                             .c = r.k,
                             .k = r.c,
                             .pad_h = 2 - r.pad_h,
                             .pad_w = 2 - r.pad_w,
                             .oh = r.h,
                             .ow = r.w};
    std::vector<T> packed = unwritten<T>(16 * r.k * padded_channels<T>(r.c));
    std::vector<T> scratch = scratch_for<T>(kWinogradForwardTiles, r.k, r.c);
    winograd_weights(weight.data(), packed.data(), r.c, r.k, true);
    std::vector<T> dx = unwritten<T>(r.x_size());
    const T* no_bias = nullptr;
    winograd_forward(dy.data(), packed.data(), no_bias, dx.data(), scratch.data(), threads(), back, false);
    expect_close(dx, r.input_gradient(exact(weight), exact(dy)), 9 * r.k);
  }
}

TYPED_TEST(Winograd, WeightGradientIsAdded) {
  using T = TypeParam;
  for (const ReferenceConv2d& r : kCases) {
    SCOPED_TRACE(fmt::format("{}x{}x{}x{} -> {}", r.n, r.h, r.w, r.c, r.k));
    const std::vector<T> x = normal_values<T>(r.x_size(), 1), dy = normal_values<T>(r.y_size(), 2);
    testing::Values expected = r.weight_gradient(exact(x), exact(dy));
    for (double& value : expected) value += 1;
    std::vector<T> parts = unwritten<T>(winograd_parts(r.n) * 16 * r.c * padded_channels<T>(r.k));
    std::vector<T> scratch = scratch_for<T>(kWinogradGradientTiles, r.c, r.k);
    on_every_level<T>(
        winograd_weight_grad, std::vector<T>(testing::at(r.weight_size()), 1),
        [&](auto* function, T* dweight) {
          function(x.data(), dy.data(), parts.data(), scratch.data(), threads(), dweight, sizes_of(r));
        },
        [&](const std::vector<T>& dweight) { expect_close(dweight, expected, r.n * r.oh() * r.ow()); });
  }
}

// So that a network gives an image the same result alone and in a batch.
TYPED_TEST(Winograd, AnImageHasTheSameBitsInAnyBatch) {
  using T = TypeParam;
  ReferenceConv2d r = convolution(4, 7, 5, 20, 24, 1);
  const std::vector<T> x = normal_values<T>(r.x_size(), 1), weight = normal_values<T>(r.weight_size(), 2);
  std::vector<T> packed = unwritten<T>(16 * r.c * padded_channels<T>(r.k));
  std::vector<T> scratch = scratch_for<T>(kWinogradForwardTiles, r.c, r.k);
  winograd_weights(weight.data(), packed.data(), r.c, r.k, false);
  const auto forward = [&](Index images, Index first) {
    r.n = images;
    std::vector<T> y(testing::at(r.y_size()));
    const T* no_bias = nullptr;
    winograd_forward(x.data() + first * r.h * r.w * r.c, packed.data(), no_bias, y.data(), scratch.data(),
                     threads(), sizes_of(r), false);
    return y;
  };
  const std::vector<T> all = forward(4, 0), last = forward(1, 3);
  EXPECT_TRUE(testing::same_bits(
      last, std::vector<T>(all.end() - static_cast<std::ptrdiff_t>(last.size()), all.end())));
}

}  // namespace
}  // namespace keel::kernels
