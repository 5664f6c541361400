#include "keel/nn/flatten.h"

#include <gtest/gtest.h>

#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::check_module;
using testing::message_of;
using testing::random_tensor;

std::shared_ptr<nn::Module> make_flatten(Rng&) { return std::make_shared<nn::Flatten>(); }

Tensor flattened(const Tensor& x) {
  nn::Flatten flatten;
  nn::Context context(nn::Mode::evaluation);
  return flatten(Variable(x), context).value();
}

TEST(Flatten, IsASoundLayer) {
  EXPECT_TRUE(check_module(make_flatten, {.input = random_tensor({2, 3, 4, 5}), .output_shape = {2, 60}}));
  EXPECT_TRUE(check_module(make_flatten, {.input = random_tensor({4, 3}), .output_shape = {4, 3}}));
}

TEST(Flatten, KeepsTheOrderOfElements) {
  const Tensor images = random_tensor({2, 3, 4, 2}), rows = flattened(images);
  EXPECT_EQ(rows.at({1, (2 * 4 + 3) * 2 + 1}), images.at({1, 2, 3, 1}));
}

TEST(Flatten, KeepsTheBatchWhateverItsSize) {
  EXPECT_EQ(flattened(Tensor::zeros({0, 3, 2})).shape(), (Shape{0, 6}));
  EXPECT_EQ(flattened(Tensor::zeros({5})).shape(), (Shape{5, 1}));
  EXPECT_EQ(message_of<ShapeError>([] { flattened(Tensor::ones({})); }),
            "[flatten] expected a batch, found a scalar");
}

}  // namespace
}  // namespace keel
