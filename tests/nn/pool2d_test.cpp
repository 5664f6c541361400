#include "keel/nn/pool2d.h"

#include <gtest/gtest.h>

#include "support/check_module.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::check_module;
using testing::random_tensor;

// Neighbouring elements of a normal sample differ by far more than the step of a central difference.
template <class Pool, class Options>
::testing::AssertionResult is_sound(const Options& options, const Shape& output_shape) {
  return check_module([&](Rng&) { return std::make_shared<Pool>(options); },
                      {.input = random_tensor({2, 5, 6, 3}), .output_shape = output_shape});
}

TEST(MaxPool2dLayer, IsASoundLayer) {
  using Options = MaxPool2dOptions;
  EXPECT_TRUE((is_sound<nn::MaxPool2d>(Options{}, {2, 2, 3, 3})));
  EXPECT_TRUE((is_sound<nn::MaxPool2d>(Options{.kernel = {3, 2}, .stride = {1, 2}}, {2, 3, 3, 3})));
  EXPECT_TRUE((is_sound<nn::MaxPool2d>(Options{.kernel = 3, .stride = 2, .padding = 1}, {2, 3, 3, 3})));
}

TEST(AvgPool2dLayer, IsASoundLayer) {
  using Options = AvgPool2dOptions;
  EXPECT_TRUE((is_sound<nn::AvgPool2d>(Options{}, {2, 2, 3, 3})));
  EXPECT_TRUE((is_sound<nn::AvgPool2d>(Options{.kernel = 3, .stride = 2, .padding = 1}, {2, 3, 3, 3})));
  EXPECT_TRUE((is_sound<nn::AvgPool2d>(
      Options{.kernel = 3, .stride = 2, .padding = 1, .count_include_pad = false}, {2, 3, 3, 3})));
}

TEST(GlobalAvgPool2dLayer, IsASoundLayer) {
  EXPECT_TRUE(check_module([](Rng&) { return std::make_shared<nn::GlobalAvgPool2d>(); },
                           {.input = random_tensor({4, 2, 3, 5}), .output_shape = {4, 5}}));
}

template <class Pool>
Tensor pooled(Pool pool, const Tensor& x) {
  nn::Context context(nn::Mode::evaluation);
  return pool(Variable(x), context).value();
}

TEST(PoolingLayers, ComputeWhatTheyAreNamedAfter) {
  const Tensor x = Tensor::from<float>({1, 2, 3, 1}, {1, 5, 9, -3, 1, 2});
  EXPECT_EQ(pooled(nn::MaxPool2d({.kernel = {2, 3}}), x).item(), 9);
  EXPECT_EQ(pooled(nn::AvgPool2d({.kernel = {2, 3}}), x).item(), 2.5);
  // Four of nine pixels of the first window are the image's: 1, 5, -3, 1.
  const auto corner = [&](bool count_include_pad) {
    return pooled(nn::AvgPool2d({.kernel = 3, .padding = 1, .count_include_pad = count_include_pad}), x)
        .at({0, 0, 0, 0});
  };
  EXPECT_EQ(corner(false), 1);
  EXPECT_FLOAT_EQ(static_cast<float>(corner(true)), 4.0F / 9);
  EXPECT_EQ(pooled(nn::GlobalAvgPool2d(), x).item(), 2.5);
}

TEST(PoolingLayers, HaveNamesAndNoState) {
  EXPECT_EQ(nn::MaxPool2d().kind(), "max_pool2d");
  EXPECT_EQ(nn::AvgPool2d().kind(), "avg_pool2d");
  EXPECT_EQ(nn::GlobalAvgPool2d().kind(), "global_avg_pool2d");
  EXPECT_EQ(nn::MaxPool2d().num_parameters(), 0);
}

}  // namespace
}  // namespace keel
