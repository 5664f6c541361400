// The pooling kernels of every level this processor has, against the definition.
#include "kernels/pool2d.h"

#include <gtest/gtest.h>

#include <limits>

#include "keel/core/parallel.h"
#include "keel/core/rng.h"
#include "support/reference_conv.h"

namespace keel::kernels {
namespace {

using testing::at;
using testing::ReferencePool2d;
using testing::Values;

// Few different ones, so that windows have ties; multiples of all window sizes here, so that averages are
// exact.
Values whole_numbers(Index n, std::uint64_t seed) {
  Rng rng(seed, Stream::test);
  Values values(at(n));
  for (double& value : values) value = (static_cast<double>(rng.below(9)) - 4) * 360;
  return values;
}

template <class T>
std::vector<T> as(const Values& values) {
  return {values.begin(), values.end()};
}

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

Pool2dSizes sizes_of(const ReferencePool2d& r) {
  return {r.n, r.h, r.w, r.c, r.kh, r.kw, r.stride_h, r.stride_w, r.pad_h, r.pad_w, r.oh(), r.ow()};
}

template <class T>
void check_max(int level, const ReferencePool2d& r) {
  const Values x = whole_numbers(r.x_size(), 1), dy = whole_numbers(r.y_size(), 2);
  Values y, dx(at(r.x_size()), 0);
  std::vector<std::int32_t> argmax;
  r.max(x, y, argmax);
  const Index image = r.oh() * r.ow() * r.c;
  for (Index out = 0; out < r.y_size(); ++out) {
    dx[at((out / image * r.h * r.w + argmax[at(out)]) * r.c + out % r.c)] += dy[at(out)];
  }

  auto found = unwritten<T>(r.y_size());
  std::vector<std::int32_t> found_argmax(found.size(), -1);
  pick<T> (*max_pool2d.levels[level])(as<T>(x).data(), found.data(), found_argmax.data(), sizes_of(r));
  EXPECT_EQ(found, as<T>(y));
  EXPECT_EQ(found_argmax, argmax);
  auto found_dx = unwritten<T>(r.x_size());
  pick<T> (*max_pool2d_grad.levels[level])(as<T>(dy).data(), argmax.data(), found_dx.data(), sizes_of(r));
  EXPECT_EQ(found_dx, as<T>(dx));
}

template <class T>
void check_average(int level, const ReferencePool2d& r, bool count_padding) {
  const Values x = whole_numbers(r.x_size(), 1), dy = whole_numbers(r.y_size(), 2);
  auto y = unwritten<T>(r.y_size());
  pick<T> (*avg_pool2d.levels[level])(as<T>(x).data(), y.data(), sizes_of(r), count_padding);
  EXPECT_EQ(y, as<T>(r.average(x, count_padding)));
  Values expected = r.average_gradient(dy, count_padding);
  for (double& value : expected) value += 1;
  std::vector<T> dx(at(r.x_size()), T(1));
  pick<T> (*avg_pool2d_grad.levels[level])(as<T>(dy).data(), dx.data(), sizes_of(r), count_padding);
  EXPECT_EQ(dx, as<T>(expected));
}

TEST(Pool2dKernels, MatchTheDefinition) {
  const ReferencePool2d cases[] = {
      {.n = 2, .h = 4, .w = 6, .c = 3, .kh = 2, .kw = 2, .stride_h = 2, .stride_w = 2},
      {.n = 2, .h = 5, .w = 7, .c = 17, .kh = 2, .kw = 3, .stride_h = 2, .stride_w = 3},
      {.n = 3,
       .h = 6,
       .w = 5,
       .c = 1,
       .kh = 3,
       .kw = 2,
       .stride_h = 1,
       .stride_w = 2,
       .pad_h = 1,
       .pad_w = 1},
      {.n = 1,
       .h = 7,
       .w = 7,
       .c = 33,
       .kh = 4,
       .kw = 3,
       .stride_h = 3,
       .stride_w = 1,
       .pad_h = 2,
       .pad_w = 1},
      {.n = 2,
       .h = 1,
       .w = 2,
       .c = 2,
       .kh = 2,
       .kw = 4,
       .stride_h = 3,
       .stride_w = 1,
       .pad_h = 1,
       .pad_w = 2},
      {.n = 2, .h = 6, .w = 4, .c = 37, .kh = 2, .kw = 2, .stride_h = 2, .stride_w = 2},
      {.n = 2, .h = 5, .w = 7, .c = 32, .kh = 2, .kw = 2, .stride_h = 2, .stride_w = 2},
      {.n = 2, .h = 5, .w = 8, .c = 16, .kh = 2, .kw = 2, .stride_h = 3, .stride_w = 2},
      {.n = 2, .h = 5, .w = 8, .c = 16, .kh = 2, .kw = 2, .stride_h = 2, .stride_w = 2},
      {.n = 2, .h = 8, .w = 5, .c = 16, .kh = 2, .kw = 2, .stride_h = 2, .stride_w = 2},
      {.n = 2, .h = 3, .w = 6, .c = 16, .kh = 3, .kw = 2, .stride_h = 3, .stride_w = 2, .pad_h = 1},
      {.n = 2, .h = 6, .w = 3, .c = 16, .kh = 2, .kw = 3, .stride_h = 2, .stride_w = 3, .pad_w = 1},
      {.n = 2, .h = 5, .w = 4, .c = 16, .kh = 2, .kw = 2, .pad_h = 1, .pad_w = 1},
      {.n = 0, .h = 4, .w = 4, .c = 2, .kh = 2, .kw = 2},
  };
  for (const ReferencePool2d& r : cases) {
    for (int level = 0; level <= best_isa_level(); ++level) {
      SCOPED_TRACE(
          fmt::format("{} x [{},{},{},{}] kernel {}x{}", kIsaNames[level], r.n, r.h, r.w, r.c, r.kh, r.kw));
      check_max<float>(level, r);
      check_max<double>(level, r);
      for (const bool count_padding : {true, false}) {
        check_average<float>(level, r, count_padding);
        check_average<double>(level, r, count_padding);
      }
    }
  }
}

TEST(Pool2dKernels, MaximumOfInfinitiesAndNaN) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(),
                  kLowest = -std::numeric_limits<float>::infinity();
  const std::vector<float> x = {kLowest, kLowest, 1, kNaN, kNaN, 2};  // three windows of two pixels
  for (int level = 0; level <= best_isa_level(); ++level) {
    auto y = unwritten<float>(3);
    std::vector<std::int32_t> argmax(3, -1);
    max_pool2d.levels[level]->f32(x.data(), y.data(), argmax.data(),
                                  sizes_of({.h = 1, .w = 6, .kw = 2, .stride_w = 2}));
    EXPECT_EQ(y[0], kLowest);
    EXPECT_NE(y[1], y[1]);
    EXPECT_NE(y[2], y[2]);
    EXPECT_EQ(argmax, (std::vector<std::int32_t>{0, 3, 4}));
  }
}

TEST(Pool2dKernels, SameBitsForAnyNumberOfThreads) {
  const ReferencePool2d r{
      .n = 7, .h = 31, .w = 30, .c = 13, .kh = 3, .kw = 3, .stride_h = 2, .stride_w = 1, .pad_h = 1};
  Rng rng(3, Stream::test);
  std::vector<float> x(at(r.x_size())), dy(at(r.y_size()));
  for (std::vector<float>* values : {&x, &dy}) {
    for (float& value : *values) value = static_cast<float>(rng.normal());
  }
  const int threads = keel::num_threads();
  for (int level = 0; level <= best_isa_level(); ++level) {
    std::vector<std::vector<float>> results;
    for (const int n : {1, 3}) {
      keel::set_num_threads(n);
      std::vector<float> y(dy.size()), mean(dy.size()), dx_max(x.size()), dx_mean(x.size());
      std::vector<std::int32_t> argmax(dy.size());
      max_pool2d.levels[level]->f32(x.data(), y.data(), argmax.data(), sizes_of(r));
      max_pool2d_grad.levels[level]->f32(dy.data(), argmax.data(), dx_max.data(), sizes_of(r));
      avg_pool2d.levels[level]->f32(x.data(), mean.data(), sizes_of(r), false);
      avg_pool2d_grad.levels[level]->f32(dy.data(), dx_mean.data(), sizes_of(r), false);
      for (const auto& result : {y, dx_max, mean, dx_mean}) results.push_back(result);
    }
    keel::set_num_threads(threads);
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_EQ(results[i], results[i + 4]) << kIsaNames[level] << " result " << i;
  }
}

}  // namespace
}  // namespace keel::kernels
