// What the operations say of arguments they cannot work on, word for word: users read these more often than
// the documentation.
#include <gtest/gtest.h>

#include <limits>

#include "keel/ops/arithmetic.h"
#include "keel/ops/batch_norm.h"
#include "keel/ops/dense.h"
#include "keel/ops/dropout.h"
#include "keel/ops/elementwise.h"
#include "keel/ops/layout.h"
#include "keel/ops/loss.h"
#include "keel/ops/matmul.h"
#include "keel/ops/reduction.h"
#include "keel/ops/softmax.h"
#include "support/errors.h"

namespace keel {
namespace {

using testing::message_of;

Variable zeros(const Shape& shape, DType dtype = DType::float32) {
  return Variable(Tensor::zeros(shape, dtype));
}
Variable labels(std::initializer_list<std::int32_t> values) {
  return Variable(Tensor::from<std::int32_t>({static_cast<Index>(values.size())}, values));
}

TEST(Messages, Arithmetic) {
  const Variable a = zeros({4, 3}), row = zeros({4}), wide = zeros({4, 3}, DType::float64),
                 i = labels({1, 2});
  EXPECT_EQ(message_of<ShapeError>([&] { a + row; }),
            "[add] shapes [4,3] and [4] do not broadcast: axis -1 has extents 3 and 4");
  EXPECT_EQ(message_of<ShapeError>([&] { a - row; }),
            "[subtract] shapes [4,3] and [4] do not broadcast: axis -1 has extents 3 and 4");
  EXPECT_EQ(message_of<ShapeError>([&] { a* row; }),
            "[multiply] shapes [4,3] and [4] do not broadcast: axis -1 has extents 3 and 4");
  EXPECT_EQ(message_of<ShapeError>([&] { a / row; }),
            "[divide] shapes [4,3] and [4] do not broadcast: axis -1 has extents 3 and 4");
  EXPECT_EQ(message_of<DTypeError>([&] { a + wide; }),
            "[add] expected operands of one element type, found float32 and float64");
  EXPECT_EQ(message_of<DTypeError>([&] { i + i; }), "[add] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<DTypeError>([&] { 2.0 * i; }),
            "[affine] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<DTypeError>([&] { 2.0 / i; }),
            "[divide] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<DTypeError>([&] { -i; }), "[affine] expects float32 or float64 elements, found int32");
}

TEST(Messages, Elementwise) {
  const Variable i = labels({1, 2});
  const std::pair<const char*, Variable (*)(const Variable&)> functions[] = {
      {"exp", exp}, {"log", log}, {"sqrt", sqrt}, {"tanh", tanh}, {"sigmoid", sigmoid}, {"relu", relu}};
  for (const auto& [name, f] : functions) {
    EXPECT_EQ(message_of<DTypeError>([&, f = f] { f(i); }),
              fmt::format("[{}] expects float32 or float64 elements, found int32", name));
  }
  EXPECT_EQ(message_of<DTypeError>([&] { leaky_relu(i); }),
            "[leaky_relu] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<DTypeError>([&] { pow(i, 2); }),
            "[pow] expects float32 or float64 elements, found int32");
}

TEST(Messages, Reductions) {
  const Variable a = zeros({2, 3}), none = zeros({2, 0}), i = labels({1, 2});
  EXPECT_EQ(message_of<ShapeError>([&] { sum(a, {.axes = {2}}); }), "[sum] [2,3] has no axis 2");
  EXPECT_EQ(message_of<ShapeError>([&] { mean(a, {.axes = {0, -3}}); }), "[mean] [2,3] has no axis -3");
  EXPECT_EQ(message_of<ShapeError>([&] { max(a, {.axes = {5}}); }), "[max] [2,3] has no axis 5");
  EXPECT_EQ(message_of<ShapeError>([&] { max(none, {.axes = {1}}); }),
            "[max] no elements to reduce in [2,0]");
  EXPECT_EQ(message_of<DTypeError>([&] { sum(i); }),
            "[sum] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<DTypeError>([&] { mean(i); }),
            "[mean] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<DTypeError>([&] { max(i); }),
            "[max] expects float32 or float64 elements, found int32");
}

TEST(Messages, Layout) {
  const Variable a = zeros({2, 3});
  EXPECT_EQ(message_of<ShapeError>([&] {
              reshape(a, {4, 2});
            }),
            "[reshape] [2,3] has 6 elements, [4,2] has 8");
  EXPECT_EQ(message_of<ShapeError>([&] {
              reshape(a, {4, -1});
            }),
            "[reshape] [2,3] with 6 elements does not fit [4,-1]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              reshape(a, {-1, -1});
            }),
            "[reshape] at most one extent of [-1,-1] may be -1");
  EXPECT_EQ(message_of<ShapeError>([&] { transpose(zeros({3})); }),
            "[transpose] expected at least two axes, found [3]");
  EXPECT_EQ(message_of<ShapeError>([&] { transpose(a, {0}); }),
            "[transpose] shape [2,3] expects 2 axes, found 1");
  EXPECT_EQ(message_of<ShapeError>([&] {
              transpose(a, {0, 0});
            }),
            "[transpose] axis 0 of [2,3] is named twice");
  EXPECT_EQ(message_of<ShapeError>([&] { transpose(a, {0, 7}); }), "[transpose] [2,3] has no axis 7");
  EXPECT_EQ(message_of<ShapeError>([&] { slice(a, 1, 2, 4); }),
            "[slice] elements 2 to 4 are not within axis 1 of [2,3]");
  EXPECT_EQ(message_of<ShapeError>([&] { slice(a, 2, 0, 1); }), "[slice] [2,3] has no axis 2");
  EXPECT_EQ(message_of<ValueError>([&] { concatenate({}, 0); }),
            "[concatenate] expected at least one tensor, found none");
  EXPECT_EQ(message_of<ShapeError>([&] {
              concatenate({a, zeros({2, 4})}, 0);
            }),
            "[concatenate] along axis 0: [2,4] does not fit [2,3]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              concatenate({a, zeros({2, 3}, DType::float64)}, 0);
            }),
            "[concatenate] expected float32 elements, found float64");
}

TEST(Messages, MatrixProducts) {
  const Variable a = zeros({4, 3});
  EXPECT_EQ(message_of<ShapeError>([&] {
              matmul(a, zeros({4, 5}));
            }),
            "[matmul] [4,3] times [4,5]: expected matrices whose inner extents agree");
  EXPECT_EQ(message_of<ShapeError>([&] { matmul(a, zeros({3})); }),
            "[matmul] [4,3] times [3]: expected matrices whose inner extents agree");
  EXPECT_EQ(message_of<DTypeError>([&] {
              matmul(a, zeros({3, 5}, DType::float64));
            }),
            "[matmul] expected operands of one element type, found float32 and float64");
  EXPECT_EQ(message_of<DTypeError>([&] {
              matmul(zeros({1, 1}, DType::int32), zeros({1, 1}, DType::int32));
            }),
            "[matmul] expects float32 or float64 elements, found int32");
  // An extent that no matrix library counts in its int; without elements, so that it fits in memory.
  EXPECT_EQ(message_of<ShapeError>([&] {
              matmul(zeros({Index{1} << 31, 0}), zeros({0, 0}));
            }),
            "[matmul] extent 2147483648 is too large for a matrix product");
}

TEST(Messages, Dense) {
  const Variable x = zeros({4, 3}), weight = zeros({3, 5});
  EXPECT_EQ(message_of<ShapeError>([&] {
              dense(zeros({4, 2}), weight, Variable());
            }),
            "[dense] input [4,2] does not fit weight [3,5]: expected 3 features along the last axis");
  EXPECT_EQ(message_of<ShapeError>([&] { dense(zeros({}), weight, Variable()); }),
            "[dense] input [] does not fit weight [3,5]: expected 3 features along the last axis");
  EXPECT_EQ(message_of<ShapeError>([&] { dense(x, zeros({3}), Variable()); }),
            "[dense] expected a weight [C,K], found [3]");
  EXPECT_EQ(message_of<ShapeError>([&] { dense(x, weight, zeros({3})); }),
            "[dense] expected a bias of shape [5], found [3]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              dense(x, zeros({3, 5}, DType::float64), Variable());
            }),
            "[dense] expected operands of one element type, found float32 and float64");
  EXPECT_EQ(message_of<DTypeError>([&] { dense(x, weight, zeros({5}, DType::float64)); }),
            "[dense] expected a bias of float32 elements, found float64");
}

TEST(Messages, Softmax) {
  EXPECT_EQ(message_of<ShapeError>([] { softmax(zeros({})); }),
            "[softmax] expected at least one element along the last axis, found []");
  EXPECT_EQ(message_of<ShapeError>([] {
              log_softmax(zeros({4, 0}));
            }),
            "[log_softmax] expected at least one element along the last axis, found [4,0]");
  EXPECT_EQ(message_of<DTypeError>([] { softmax(labels({1})); }),
            "[softmax] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<DTypeError>([] { log_softmax(labels({1})); }),
            "[log_softmax] expects float32 or float64 elements, found int32");
}

TEST(Messages, SoftmaxCrossEntropy) {
  const Variable logits = zeros({2, 3});
  const auto found = [&](const Tensor& given) {
    return message_of<ValueError>([&] { softmax_cross_entropy(logits, given); });
  };
  EXPECT_EQ(found(Tensor::from<std::int32_t>({2}, {0, 3})),
            "[softmax_cross_entropy] label 3 of example 1 is out of range for 3 classes");
  EXPECT_EQ(found(Tensor::from<std::int32_t>({2}, {-1, 7})),
            "[softmax_cross_entropy] label -1 of example 0 is out of range for 3 classes");
  EXPECT_EQ(message_of<ShapeError>([] { softmax_cross_entropy(zeros({3}), labels({1}).value()); }),
            "[softmax_cross_entropy] expected logits [N,K] with at least one element, found [3]");
  EXPECT_EQ(message_of<ShapeError>([] {
              softmax_cross_entropy(zeros({0, 3}), labels({}).value());
            }),
            "[softmax_cross_entropy] expected logits [N,K] with at least one element, found [0,3]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              softmax_cross_entropy(logits, labels({1, 1, 1}).value());
            }),
            "[softmax_cross_entropy] logits [2,3] expect labels [2], found [3]");
  EXPECT_EQ(message_of<DTypeError>([&] { softmax_cross_entropy(logits, Tensor::zeros({2})); }),
            "[softmax_cross_entropy] expected int32 labels, found float32");
  EXPECT_EQ(message_of<DTypeError>([&] { softmax_cross_entropy(logits, Tensor()); }),
            "[softmax_cross_entropy] expected int32 labels, found an undefined tensor");
  EXPECT_EQ(message_of<DTypeError>([&] {
              softmax_cross_entropy(zeros({2, 3}, DType::int32), labels({1, 2}).value());
            }),
            "[softmax_cross_entropy] expects float32 or float64 elements, found int32");
}

TEST(Messages, MeanSquaredError) {
  const Variable a = zeros({2, 3});
  EXPECT_EQ(message_of<ShapeError>([&] { mean_squared_error(a, zeros({3})); }),
            "[mean_squared_error] expected equal shapes, found [2,3] and [3]");
  EXPECT_EQ(message_of<ShapeError>([&] { mean_squared_error(zeros({0}), zeros({0})); }),
            "[mean_squared_error] expected at least one element, found [0]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              mean_squared_error(a, zeros({2, 3}, DType::float64));
            }),
            "[mean_squared_error] expected float32 or float64 elements, the same in both, found float32 and "
            "float64");
}

TEST(Messages, Dropout) {
  const Variable x = zeros({2});
  const Rng stream(1, Stream::dropout);
  EXPECT_EQ(message_of<ValueError>([&] { dropout(x, 1, stream); }),
            "[dropout] expected a rate in [0,1), found 1");
  EXPECT_EQ(message_of<ValueError>([&] { dropout(x, -0.1, stream); }),
            "[dropout] expected a rate in [0,1), found -0.1");
  EXPECT_EQ(message_of<ValueError>([&] { dropout(x, std::numeric_limits<double>::quiet_NaN(), stream); }),
            "[dropout] expected a rate in [0,1), found nan");
  EXPECT_EQ(message_of<DTypeError>([&] { dropout(labels({1}), 0.5, stream); }),
            "[dropout] expects float32 or float64 elements, found int32");
}

TEST(Messages, BatchNorm) {
  const Variable x = zeros({4, 3}), none;
  const auto training = [&](const Variable& input, const Variable& gamma, const Variable& beta,
                            double epsilon) { return [=] { batch_norm(input, gamma, beta, epsilon); }; };
  EXPECT_EQ(message_of<ShapeError>(training(zeros({3}), none, none, 1)),
            "[batch_norm] expected an input [...,C] with at least two axes, found [3]");
  EXPECT_EQ(message_of<ShapeError>(training(zeros({3, 0}), none, none, 1)),
            "[batch_norm] expected at least one channel, found [3,0]");
  EXPECT_EQ(message_of<ShapeError>(training(x, zeros({4}), none, 1)),
            "[batch_norm] input [4,3] expects gamma of shape [3], found [4]");
  EXPECT_EQ(message_of<ShapeError>(training(x, none, zeros({1, 3}), 1)),
            "[batch_norm] input [4,3] expects beta of shape [3], found [1,3]");
  EXPECT_EQ(message_of<DTypeError>(training(x, zeros({3}, DType::float64), none, 1)),
            "[batch_norm] expected float32 elements in gamma, found float64");
  EXPECT_EQ(message_of<DTypeError>(training(zeros({2, 3}, DType::int32), none, none, 1)),
            "[batch_norm] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<ValueError>(training(x, none, none, 0)), "[batch_norm] expected epsilon > 0, found 0");
  EXPECT_EQ(message_of<ValueError>(training(x, none, none, std::numeric_limits<double>::infinity())),
            "[batch_norm] expected epsilon > 0, found inf");
  EXPECT_EQ(message_of<ValueError>(training(x, none, none, 1e-80)),
            "[batch_norm] epsilon 1e-80 is 0 in float32");
  EXPECT_NO_THROW(training(zeros({4, 3}, DType::float64), none, none, 1e-80)());
  EXPECT_EQ(message_of<ValueError>(training(zeros({0, 3}), none, none, 1)),
            "[batch_norm] expected at least one row, found [0,3]");
}

TEST(Messages, BatchNormInference) {
  const Variable x = zeros({4, 3}), none;
  const Tensor three = Tensor::ones({3});
  const auto inference = [&](const BatchStatistics& given) {
    return [=] { batch_norm_inference(x, none, none, given, 1e-5); };
  };
  EXPECT_EQ(message_of<ShapeError>(inference({three, Tensor::ones({2})})),
            "[batch_norm] input [4,3] expects mean and variance of shape [3], found [3] and [2]");
  EXPECT_EQ(message_of<ShapeError>(inference({Tensor(), three})),
            "[batch_norm] input [4,3] expects mean and variance of shape [3], found [] and [3]");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message_of<ValueError>(inference({three, Tensor::from<double>({3}, {1, 0, -2})})),
            "[batch_norm] expected variances of at least 0, found -2 in channel 2");
  EXPECT_EQ(message_of<ValueError>(inference({three, Tensor::from<double>({3}, {1, nan, 1})})),
            "[batch_norm] expected variances of at least 0, found nan in channel 1");
}

}  // namespace
}  // namespace keel
