// An operation with an activation gives the bits of the operation and the function one after the other.
#include "keel/ops/activation.h"

#include <gtest/gtest.h>

#include <functional>

#include "keel/ops/conv2d.h"
#include "keel/ops/dense.h"
#include "keel/ops/elementwise.h"
#include "support/kernel_levels.h"

namespace keel {
namespace {

Tensor normal(const Shape& shape, std::uint64_t stream) {
  return Tensor::from<float>(shape, testing::normal_values<float>(shape.numel(), stream));
}

void expect_same_bits(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.shape(), b.shape());
  const auto values = [](const Tensor& t) {
    return std::vector<float>(t.values<float>().begin(), t.values<float>().end());
  };
  EXPECT_TRUE(testing::same_bits(values(a), values(b)));
}

using Operation = std::function<Variable(const std::vector<Variable>&, Activation)>;

void check_relu(const std::vector<Tensor>& inputs, const Operation& operation) {
  std::vector<Variable> fused, apart;
  for (const Tensor& input : inputs) {
    fused.emplace_back(input, true);
    apart.emplace_back(input, true);
  }
  const Variable y = operation(fused, Activation::relu);
  const Variable expected = relu(operation(apart, Activation::none));
  expect_same_bits(y.value(), expected.value());
  const Tensor dy = normal(y.shape(), 99);
  y.backward(dy);
  expected.backward(dy);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    SCOPED_TRACE(i);
    expect_same_bits(fused[i].grad(), apart[i].grad());
  }
}

TEST(Activation, OfDense) {
  check_relu({normal({37, 50}, 1), normal({50, 33}, 2), normal({33}, 3)},
             [](const auto& in, Activation activation) { return dense(in[0], in[1], in[2], activation); });
  check_relu({normal({2, 5, 50}, 1), normal({50, 33}, 2)},
             [](const auto& in, Activation activation) { return dense(in[0], in[1], {}, activation); });
}

TEST(Activation, OfConv2d) {
  const auto convolve = [](const auto& in, Activation activation) {
    return conv2d(in[0], in[1], in.size() > 2 ? in[2] : Variable(), {.padding = 1, .activation = activation});
  };
  check_relu({normal({3, 9, 8, 5}, 1), normal({3, 3, 5, 33}, 2), normal({33}, 3)}, convolve);
  check_relu({normal({3, 9, 8, 5}, 1), normal({3, 3, 5, 33}, 2)}, convolve);
}

}  // namespace
}  // namespace keel
