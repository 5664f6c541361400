// Every operation that acts on arrays of any kind against central differences; conv2d, pooling and batch_norm
// have files of their own.
#include <gtest/gtest.h>

#include "keel/autograd/gradcheck.h"
#include "keel/ops/arithmetic.h"
#include "keel/ops/dense.h"
#include "keel/ops/dropout.h"
#include "keel/ops/elementwise.h"
#include "keel/ops/layout.h"
#include "keel/ops/loss.h"
#include "keel/ops/matmul.h"
#include "keel/ops/reduction.h"
#include "keel/ops/softmax.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::random_away_from_zero;
using testing::random_tensor;
using Inputs = std::vector<Variable>;

struct Case {
  const char* name;
  DifferentiableFunction f;
  std::vector<Tensor> inputs;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Gradients : public ::testing::TestWithParam<Case> {};

TEST_P(Gradients, MatchCentralDifferences) {
  const GradcheckResult result = gradcheck(GetParam().f, GetParam().inputs);
  EXPECT_TRUE(result) << result.message;
  EXPECT_LT(result.worst_error, 1e-7);
}

Tensor positive(const Shape& shape) { return random_away_from_zero(shape, 0.5, 2, 7, false); }
Tensor signed_values(const Shape& shape) { return random_away_from_zero(shape, 0.3, 2, 8); }

const Tensor kLabels = Tensor::from<std::int32_t>({4}, {2, 0, 2, 1});

INSTANTIATE_TEST_SUITE_P(
    Arithmetic, Gradients,
    ::testing::Values(
        Case{"add",
             [](const Inputs& v) { return v[0] + v[1]; },
             {random_tensor({2, 3}), random_tensor({2, 3}, 2)}},
        Case{"add_row",
             [](const Inputs& v) { return v[0] + v[1]; },
             {random_tensor({4, 3}), random_tensor({3}, 2)}},
        Case{"add_both_stretched",
             [](const Inputs& v) { return v[0] + v[1]; },
             {random_tensor({2, 1, 3}), random_tensor({4, 1}, 2)}},
        Case{"add_itself", [](const Inputs& v) { return v[0] + v[0]; }, {random_tensor({2, 3})}},
        Case{"subtract",
             [](const Inputs& v) { return v[0] - v[1]; },
             {random_tensor({2, 3}), random_tensor({2, 1}, 2)}},
        Case{"multiply",
             [](const Inputs& v) { return v[0] * v[1]; },
             {random_tensor({5, 2, 3}), random_tensor({2, 1}, 2)}},
        Case{"multiply_itself", [](const Inputs& v) { return v[0] * v[0]; }, {random_tensor({2, 3})}},
        Case{"divide",
             [](const Inputs& v) { return v[0] / v[1]; },
             {random_tensor({4, 3}), signed_values({3})}},
        Case{"divide_number", [](const Inputs& v) { return 2.0 / v[0]; }, {signed_values({4, 3})}},
        Case{"affine", [](const Inputs& v) { return 3.0 * v[0] - 2.0; }, {random_tensor({4, 3})}},
        Case{"number_minus", [](const Inputs& v) { return 1.0 - v[0] / 4.0; }, {random_tensor({4, 3})}},
        Case{"negate", [](const Inputs& v) { return -v[0]; }, {random_tensor({4, 3})}}),
    [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Elementwise, Gradients,
    ::testing::Values(
        Case{"exp", [](const Inputs& v) { return exp(v[0]); }, {random_tensor({2, 3})}},
        Case{"log", [](const Inputs& v) { return log(v[0]); }, {positive({2, 3})}},
        Case{"sqrt", [](const Inputs& v) { return sqrt(v[0]); }, {positive({2, 3})}},
        Case{"tanh", [](const Inputs& v) { return tanh(v[0]); }, {random_tensor({2, 3})}},
        Case{"sigmoid", [](const Inputs& v) { return sigmoid(v[0]); }, {random_tensor({2, 3})}},
        Case{"leaky_relu", [](const Inputs& v) { return leaky_relu(v[0], 0.3); }, {signed_values({2, 3})}},
        Case{"elu", [](const Inputs& v) { return elu(v[0], 1.5); }, {signed_values({2, 3})}},
        Case{"selu", [](const Inputs& v) { return selu(v[0]); }, {signed_values({2, 3})}},
        Case{"gelu", [](const Inputs& v) { return gelu(v[0]); }, {random_tensor({2, 3})}},
        Case{"gelu_tanh",
             [](const Inputs& v) { return gelu(v[0], GeluApproximation::tanh); },
             {random_tensor({2, 3})}},
        Case{"silu", [](const Inputs& v) { return silu(v[0]); }, {random_tensor({2, 3})}},
        Case{"softplus", [](const Inputs& v) { return softplus(v[0], 2, 0.5); }, {signed_values({2, 3})}},
        Case{"hard_sigmoid", [](const Inputs& v) { return hard_sigmoid(v[0]); }, {random_tensor({2, 3})}},
        Case{"relu", [](const Inputs& v) { return relu(v[0]); }, {signed_values({2, 5})}},
        Case{"pow_cube", [](const Inputs& v) { return pow(v[0], 3); }, {signed_values({2, 3})}},
        Case{"pow_real", [](const Inputs& v) { return pow(v[0], -1.5); }, {positive({2, 3})}}),
    [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Reduction, Gradients,
    ::testing::Values(Case{"sum", [](const Inputs& v) { return sum(v[0]); }, {random_tensor({2, 3})}},
                      Case{"sum_axis",
                           [](const Inputs& v) { return sum(v[0], {.axes = {1}}); },
                           {random_tensor({2, 3, 4})}},
                      Case{"sum_axes",
                           [](const Inputs& v) {
                             return sum(v[0], {.axes = {0, -1}, .keep_dims = true});
                           },
                           {random_tensor({2, 3, 4})}},
                      Case{"mean", [](const Inputs& v) { return mean(v[0]); }, {random_tensor({2, 3})}},
                      Case{"mean_axis",
                           [](const Inputs& v) { return mean(v[0], {.axes = {0}}); },
                           {random_tensor({2, 3, 4})}},
                      Case{"max", [](const Inputs& v) { return max(v[0]); }, {random_tensor({2, 3})}},
                      Case{"max_axis",
                           [](const Inputs& v) { return max(v[0], {.axes = {-2}}); },
                           {random_tensor({2, 5, 3})}},
                      Case{"max_axes",
                           [](const Inputs& v) {
                             return max(v[0], {.axes = {0, 2}, .keep_dims = true});
                           },
                           {random_tensor({2, 3, 4})}}),
    [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Layout, Gradients,
    ::testing::Values(
        Case{"reshape",
             [](const Inputs& v) {
               return reshape(v[0], {3, -1});
             },
             {random_tensor({2, 6})}},
        Case{"transpose", [](const Inputs& v) { return transpose(v[0]); }, {random_tensor({2, 3})}},
        Case{"transpose_order",
             [](const Inputs& v) {
               return transpose(v[0], {2, 0, -2});
             },
             {random_tensor({2, 3, 4})}},
        Case{"slice", [](const Inputs& v) { return slice(v[0], 1, 1, 3); }, {random_tensor({2, 4, 3})}},
        Case{"slices_overlap",
             [](const Inputs& v) { return slice(v[0], 0, 0, 3) * slice(v[0], 0, 1, 4); },
             {random_tensor({4, 3})}},
        Case{"concatenate",
             [](const Inputs& v) {
               return concatenate({v[0], v[1], v[0]}, 1);
             },
             {random_tensor({2, 3}), random_tensor({2, 1}, 2)}}),
    [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Products, Gradients,
    ::testing::Values(
        Case{"matmul",
             [](const Inputs& v) { return matmul(v[0], v[1]); },
             {random_tensor({2, 3}), random_tensor({3, 5}, 2)}},
        Case{"matmul_square", [](const Inputs& v) { return matmul(v[0], v[0]); }, {random_tensor({3, 3})}},
        Case{"dense",
             [](const Inputs& v) { return dense(v[0], v[1], v[2]); },
             {random_tensor({4, 3}), random_tensor({3, 5}, 2), random_tensor({5}, 3)}},
        Case{"dense_no_bias",
             [](const Inputs& v) { return dense(v[0], v[1], Variable()); },
             {random_tensor({4, 3}), random_tensor({3, 5}, 2)}},
        Case{"dense_more_axes",
             [](const Inputs& v) { return dense(v[0], v[1], v[2]); },
             {random_tensor({2, 4, 3}), random_tensor({3, 5}, 2), random_tensor({5}, 3)}}),
    [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Probabilities, Gradients,
    ::testing::Values(
        Case{"softmax", [](const Inputs& v) { return softmax(v[0]); }, {random_tensor({3, 5})}},
        Case{"softmax_vector", [](const Inputs& v) { return softmax(v[0]); }, {random_tensor({5})}},
        Case{"log_softmax", [](const Inputs& v) { return log_softmax(v[0]); }, {random_tensor({2, 3, 4})}},
        Case{"softmax_cross_entropy",
             [](const Inputs& v) { return softmax_cross_entropy(v[0], kLabels); },
             {random_tensor({4, 3})}},
        Case{"mean_squared_error",
             [](const Inputs& v) { return mean_squared_error(v[0], v[1]); },
             {random_tensor({4, 3}), random_tensor({4, 3}, 2)}},
        Case{"dropout",
             [](const Inputs& v) { return dropout(v[0], 0.4, Rng(3, Stream::dropout)); },
             {random_tensor({7, 3})}}),
    [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace keel
