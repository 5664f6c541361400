#include "keel/nn/reshape.h"

#include <gtest/gtest.h>

#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Reshape;
using testing::message_of;
using testing::random_tensor;

TEST(ReshapeLayer, IsASoundLayer) {
  EXPECT_TRUE(testing::check_module(
      [](Rng&) {
        return std::make_shared<Reshape>(Shape{4, 6});
      },
      {.input = random_tensor({2, 4, 3, 2}), .output_shape = {2, 4, 6}}));
}

TEST(ReshapeLayer, KeepsTheElementsInOrder) {
  Reshape layer({3, 2});
  nn::Context context(nn::Mode::evaluation);
  const Variable y = layer(Variable(Tensor::from<float>({1, 6}, {0, 1, 2, 3, 4, 5})), context);
  EXPECT_EQ(y.value().at({0, 2, 1}), 5);
  EXPECT_EQ(y.value().at({0, 1, 0}), 2);
  EXPECT_EQ(layer(Variable(Tensor::zeros({0, 6})), context).shape(), (Shape{0, 3, 2}));
}

TEST(ReshapeLayer, RejectsWhatDoesNotFit) {
  nn::Context context(nn::Mode::evaluation);
  Reshape layer({3, 2});
  EXPECT_EQ(message_of<ShapeError>([&] {
              layer(Variable(Tensor::zeros({4, 5})), context);
            }),
            "[reshape] expected examples of 6 elements, for [3,2], found a batch [4,5]");
  EXPECT_EQ(message_of<ValueError>([] {
              Reshape({3, 0});
            }),
            "[reshape] expected extents of at least 1, found [3,0]");
}

}  // namespace
}  // namespace keel
