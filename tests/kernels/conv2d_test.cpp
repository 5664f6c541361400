// The convolution kernels of every level this processor has, against the definition.
#include "kernels/conv2d.h"

#include <gtest/gtest.h>

#include <array>

#include <limits>

#include "keel/core/parallel.h"
#include "keel/core/rng.h"
#include "support/reference_conv.h"

namespace keel::kernels {
namespace {

using testing::at;
using testing::ReferenceConv2d;
using testing::Values;

// Small whole numbers: products and sums of them are exact, so results must be equal whatever the order.
Values whole_numbers(Index n, std::uint64_t seed) {
  Rng rng(seed, Stream::test);
  Values values(at(n));
  for (double& value : values) value = static_cast<double>(rng.below(9)) - 4;
  return values;
}

template <class T>
std::vector<T> as(const Values& values) {
  return {values.begin(), values.end()};
}

// Memory that a kernel must fill: an element left out, or one too many, shows.
template <class T>
std::vector<T> unwritten(Index n) {
  return std::vector<T>(at(n), std::numeric_limits<T>::quiet_NaN());
}

template <class T, template <class> class Signature>
Signature<T>* pick(const Entry<Signature>& entry) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return entry.f32;
  } else {
    return entry.f64;
  }
}

Conv2dSizes sizes_of(const ReferenceConv2d& r) {
  return {r.n,      r.h,        r.w,        r.c,          r.kh,         r.kw,   r.k,
          r.groups, r.stride_h, r.stride_w, r.dilation_h, r.dilation_w, r.oh(), r.ow()};
}

template <class T>
std::vector<T> packed_weights(int level, const std::vector<T>& weight, const T* bias,
                              const ReferenceConv2d& r) {
  auto packed =
      unwritten<T>(r.groups * (r.kh * r.kw * r.c / r.groups + 1) * padded_channels<T>(r.k / r.groups));
  pick<T> (*conv2d_pack.levels[level])(weight.data(), bias, packed.data(), {r.kh * r.kw, r.c, r.k, r.groups},
                                       false);
  return packed;
}

template <class T>
std::vector<T> forward(int level, const std::vector<T>& x, const std::vector<T>& weight, const T* bias,
                       const ReferenceConv2d& r) {
  const std::vector<T> packed = packed_weights(level, weight, bias, r);
  auto y = unwritten<T>(r.y_size());
  pick<T> (*conv2d_forward.levels[level])(x.data(), packed.data(), y.data(), sizes_of(r), false);
  return y;
}

// Added to a dweight of ones.
template <class T>
std::vector<T> weight_gradient(int level, const std::vector<T>& x, const std::vector<T>& dy,
                               const ReferenceConv2d& r) {
  const Index elements = r.kh * r.kw * r.c * padded_channels<T>(r.k / r.groups);
  auto parts = unwritten<T>(conv2d_weight_grad_parts(r.n, elements) * elements);
  std::vector<T> dweight(at(r.weight_size()), T(1));
  pick<T> (*conv2d_weight_grad.levels[level])(x.data(), dy.data(), parts.data(), dweight.data(), sizes_of(r));
  return dweight;
}

template <class T>
void check_against_definition(const ReferenceConv2d& r) {
  const Values x = whole_numbers(r.x_size(), 1), weight = whole_numbers(r.weight_size(), 2);
  const Values bias = whole_numbers(r.k, 3), dy = whole_numbers(r.y_size(), 4);
  const Values y = r.forward(x, weight, bias), y_without_bias = r.forward(x, weight, Values(at(r.k)));
  Values dweight = r.weight_gradient(x, dy);
  for (double& value : dweight) value += 1;
  for (int level = 0; level <= best_isa_level(); ++level) {
    SCOPED_TRACE(kIsaNames[level]);
    EXPECT_EQ(forward<T>(level, as<T>(x), as<T>(weight), as<T>(bias).data(), r), as<T>(y));
    EXPECT_EQ(forward<T>(level, as<T>(x), as<T>(weight), nullptr, r), as<T>(y_without_bias));
    EXPECT_EQ(weight_gradient<T>(level, as<T>(x), as<T>(dy), r), as<T>(dweight));
  }
}

std::string describe(const ReferenceConv2d& r) {
  return fmt::format("x [{},{},{},{}] kernel {}x{} -> {} stride {}x{} dilation {}x{} groups {}", r.n, r.h,
                     r.w, r.c, r.kh, r.kw, r.k, r.stride_h, r.stride_w, r.dilation_h, r.dilation_w, r.groups);
}

void check_both_types(const ReferenceConv2d& r) {
  SCOPED_TRACE(describe(r));
  check_against_definition<float>(r);
  check_against_definition<double>(r);
}

TEST(Conv2dKernels, ChannelsThatFillVectorsAndThatDoNot) {
  for (const Index c : {1, 2, 5, 32}) {
    for (const Index k : {1, 3, 17, 32, 33}) {
      check_both_types({.n = 2, .h = 5, .w = 6, .c = c, .kh = 3, .kw = 3, .k = k});
    }
  }
}

TEST(Conv2dKernels, RowsThatFillTilesAndThatDoNot) {
  for (Index w = 1; w <= 31; ++w)
    check_both_types({.n = 1, .h = 3, .w = w + 1, .c = 2, .kh = 2, .kw = 2, .k = 19});
}

TEST(Conv2dKernels, StridesAndDilations) {
  for (const Index stride : {1, 2, 3}) {
    for (const Index dilation : {1, 2}) {
      check_both_types({.n = 2,
                        .h = 9,
                        .w = 11,
                        .c = 3,
                        .kh = 3,
                        .kw = 2,
                        .k = 5,
                        .stride_h = stride,
                        .stride_w = 1,
                        .dilation_h = 1,
                        .dilation_w = dilation});
      check_both_types({.n = 2,
                        .h = 10,
                        .w = 8,
                        .c = 3,
                        .kh = 2,
                        .kw = 3,
                        .k = 5,
                        .stride_h = 1,
                        .stride_w = stride,
                        .dilation_h = dilation,
                        .dilation_w = 1});
    }
  }
}

TEST(Conv2dKernels, SmallKernelsWithChannelsInWholeVectors) {
  for (const Index k : {32, 48, 64}) {
    for (const auto& [kh, kw, c] :
         {std::array<Index, 3>{1, 1, 1}, {2, 2, 1}, {3, 3, 1}, {2, 2, 3}, {1, 3, 4}}) {
      check_both_types({.n = 3, .h = 6, .w = 7, .c = c, .kh = kh, .kw = kw, .k = k});
      check_both_types({.n = 19,
                        .h = 7,
                        .w = 9,
                        .c = c,
                        .kh = kh,
                        .kw = kw,
                        .k = k,
                        .stride_h = 2,
                        .stride_w = 1,
                        .dilation_h = 1,
                        .dilation_w = 2});
    }
  }
}

TEST(Conv2dKernels, Groups) {
  for (const Index groups : {1, 2, 3, 6}) {
    check_both_types(
        {.n = 3, .h = 6, .w = 5, .c = 6, .kh = 3, .kw = 2, .k = 18, .stride_w = 2, .groups = groups});
    check_both_types(
        {.n = 1, .h = 4, .w = 7, .c = 6, .kh = 2, .kw = 2, .k = 6, .dilation_w = 2, .groups = groups});
  }
}

TEST(Conv2dKernels, MorePartsOfTheWeightGradientThanFitInOneRound) {
  for (const Index n : {0, 1, 15, 16, 17, 40})
    check_both_types({.n = n, .h = 3, .w = 3, .c = 2, .kh = 2, .kw = 2, .k = 3});
}

TEST(Conv2dKernels, WeightGradientTakesLittleMemoryForLargeWeights) {
  EXPECT_EQ(conv2d_weight_grad_parts(64, 9 * 32 * 32), 16);
  EXPECT_EQ(conv2d_weight_grad_parts(64, 9 * 512 * 512), 1);
  EXPECT_EQ(conv2d_weight_grad_parts(3, 9), 3);
  EXPECT_EQ(conv2d_weight_grad_parts(0, 9), 0);
}

// The same numbers for any number of threads, to the last bit. Large enough that threads are started.
template <class T>
void check_threads(const ReferenceConv2d& r) {
  Rng rng(7, Stream::test);
  std::vector<T> x(at(r.x_size())), weight(at(r.weight_size())), dy(at(r.y_size()));
  for (std::vector<T>* values : {&x, &weight, &dy}) {
    for (T& value : *values) value = static_cast<T>(rng.normal());
  }
  const int threads = keel::num_threads();
  for (int level = 0; level <= best_isa_level(); ++level) {
    SCOPED_TRACE(kIsaNames[level]);
    keel::set_num_threads(1);
    const std::vector<T> y = forward<T>(level, x, weight, nullptr, r);
    const std::vector<T> dweight = weight_gradient<T>(level, x, dy, r);
    keel::set_num_threads(3);
    EXPECT_EQ(forward<T>(level, x, weight, nullptr, r), y);
    EXPECT_EQ(weight_gradient<T>(level, x, dy, r), dweight);
    keel::set_num_threads(threads);
  }
}

TEST(Conv2dKernels, SameBitsForAnyNumberOfThreads) {
  const ReferenceConv2d sizes{.n = 19, .h = 12, .w = 11, .c = 7, .kh = 3, .kw = 3, .k = 33};
  check_threads<float>(sizes);
  check_threads<double>(sizes);
  check_threads<float>({.n = 18, .h = 17, .w = 16, .c = 8, .kh = 3, .kw = 3, .k = 36, .groups = 2});
}

template <class T>
void check_flipped_packing(Index taps, Index c, Index k, Index groups) {
  const Index c_group = c / groups, k_group = k / groups;
  std::vector<T> weight(at(taps * c_group * k)), exchanged(weight.size());
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = static_cast<T>(i + 1);
  for (Index tap = 0; tap < taps; ++tap) {
    for (Index a = 0; a < c_group; ++a) {
      for (Index b = 0; b < k; ++b) {
        const Index group = b / k_group;
        exchanged[at(((taps - 1 - tap) * k_group + b % k_group) * c + group * c_group + a)] =
            weight[at((tap * c_group + a) * k + b)];
      }
    }
  }
  const Index size = groups * (taps * k_group + 1) * padded_channels<T>(c_group);
  for (int level = 0; level <= best_isa_level(); ++level) {
    SCOPED_TRACE(kIsaNames[level]);
    std::vector<T> flipped(at(size), T(-1)), expected(at(size), T(-1));
    const auto pack = pick<T>(*conv2d_pack.levels[level]);
    pack(weight.data(), nullptr, flipped.data(), {taps, c, k, groups}, true);
    pack(exchanged.data(), nullptr, expected.data(), {taps, k, c, groups}, false);
    EXPECT_EQ(flipped, expected);
  }
}

TEST(Conv2dKernels, FlippedPackingIsPackingOfExchangedWeights) {
  check_flipped_packing<float>(6, 5, 3, 1);
  check_flipped_packing<double>(6, 40, 17, 1);
  check_flipped_packing<float>(4, 6, 9, 3);
}

template <class T>
void check_pad(const Pad2dSizes& s) {
  const Values x = whole_numbers(s.n * s.h * s.w * s.c, 5);
  Values expected(at(s.n * s.out_h * s.out_w * s.c));
  for (Index pixel = 0; pixel < s.n * s.h * s.w; ++pixel) {
    const Index row = s.top + pixel / s.w % s.h * s.step_h, column = s.left + pixel % s.w * s.step_w;
    if (row < 0 || row >= s.out_h || column < 0 || column >= s.out_w) continue;
    for (Index c = 0; c < s.c; ++c) {
      expected[at(((pixel / s.w / s.h * s.out_h + row) * s.out_w + column) * s.c + c)] =
          x[at(pixel * s.c + c)];
    }
  }
  for (int level = 0; level <= best_isa_level(); ++level) {
    SCOPED_TRACE(kIsaNames[level]);
    auto y = unwritten<T>(s.n * s.out_h * s.out_w * s.c);
    pick<T> (*pad2d.levels[level])(as<T>(x).data(), y.data(), s);
    EXPECT_EQ(y, as<T>(expected));
  }
}

TEST(Pad2dKernel, Frames) {
  check_pad<float>({.n = 2,
                    .c = 3,
                    .h = 4,
                    .w = 5,
                    .out_h = 7,
                    .out_w = 7,
                    .top = 1,
                    .left = 2,
                    .step_h = 1,
                    .step_w = 1});
  check_pad<double>({.n = 3,
                     .c = 1,
                     .h = 4,
                     .w = 2,
                     .out_h = 12,
                     .out_w = 9,
                     .top = 1,
                     .left = 0,
                     .step_h = 3,
                     .step_w = 2});
}

TEST(Pad2dKernel, Crops) {
  check_pad<float>({.n = 2,
                    .c = 2,
                    .h = 5,
                    .w = 6,
                    .out_h = 3,
                    .out_w = 2,
                    .top = -1,
                    .left = -2,
                    .step_h = 1,
                    .step_w = 1});
  check_pad<float>({.n = 2,
                    .c = 2,
                    .h = 5,
                    .w = 6,
                    .out_h = 8,
                    .out_w = 7,
                    .top = -3,
                    .left = -1,
                    .step_h = 2,
                    .step_w = 2});
}

}  // namespace
}  // namespace keel::kernels
