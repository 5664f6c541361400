// Arithmetic and reductions of tensors against loops that follow the definitions index by index.
#include "keel/core/tensor_ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/errors.h"
#include "support/index.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::element;
using testing::message_of;
using testing::offset_of;
using testing::random_tensor;
using testing::unravel;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Every way two shapes can broadcast: equal, scalars, missing and stretched axes on either side and on both,
// runs that merge and runs that must not, and extents of 0.
const std::pair<Shape, Shape> kBroadcasts[] = {
    {{}, {}},
    {{4}, {4}},
    {{2, 3}, {2, 3}},
    {{2, 3, 5}, {}},
    {{1, 1}, {}},
    {{4, 3}, {3}},
    {{4, 3}, {4, 1}},
    {{4, 3}, {1, 3}},
    {{4, 1}, {1, 3}},
    {{2, 1, 3}, {4, 1}},
    {{2, 3, 5}, {3, 1}},
    {{2, 3, 5}, {1, 3, 1}},
    {{2, 3, 5}, {2, 1, 5}},
    {{2, 1, 5}, {1, 3, 5}},
    {{2, 3, 4, 5}, {4, 5}},
    {{2, 3, 4, 5}, {2, 3, 1, 1}},
    {{2, 3, 4, 5}, {2, 1, 4, 1}},
    {{2, 1, 4, 1}, {1, 3, 1, 5}},
    {{1, 2, 1, 3, 1, 2, 1, 2}, {2, 1, 2, 1, 2, 1, 2, 1}},
    {{0, 3}, {3}},
    {{0}, {1}},
    {{2, 0, 3}, {1, 1, 1}},
    {{0}, {}},
};

template <class Op, class Reference>
void check_binary(const char* name, const Op& op, const Reference& reference) {
  for (const auto& [one, other] : kBroadcasts) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      for (const bool swapped : {false, true}) {
        const Tensor a = random_tensor(swapped ? other : one, 1, dtype),
                     b = random_tensor(swapped ? one : other, 2, dtype);
        const Tensor y = op(a, b);
        ASSERT_EQ(y.shape(), broadcast_shapes(name, a.shape(), b.shape()));
        ASSERT_EQ(y.dtype(), dtype);
        for (Index i = 0; i < y.numel(); ++i) {
          const auto index = unravel(i, y.shape());
          const double p = element(a, offset_of(index, a.shape())),
                       q = element(b, offset_of(index, b.shape()));
          // One correctly rounded operation: rounding the double result to float gives the float result.
          const double exact = reference(p, q);
          const double expected =
              dtype == DType::float32 ? static_cast<double>(static_cast<float>(exact)) : exact;
          ASSERT_EQ(element(y, i), expected)
              << name << " of " << fmt::format("{} and {}", a.shape(), b.shape()) << " at " << i;
        }
      }
    }
  }
}

TEST(TensorArithmetic, BroadcastsInEveryPattern) {
  check_binary("add", add, [](double p, double q) { return p + q; });
  check_binary("subtract", subtract, [](double p, double q) { return p - q; });
  check_binary("multiply", multiply, [](double p, double q) { return p * q; });
  check_binary("divide", divide, [](double p, double q) { return p / q; });
}

TEST(TensorArithmetic, NamesTheOperationInErrors) {
  const Tensor a = Tensor::zeros({2, 3}), b = Tensor::zeros({2}), c = Tensor::zeros({2, 3}, DType::float64);
  const Tensor i = Tensor::zeros({2, 3}, DType::int32);
  const std::pair<const char*, Tensor (*)(const Tensor&, const Tensor&)> operations[] = {
      {"add", add}, {"subtract", subtract}, {"multiply", multiply}, {"divide", divide}};
  for (const auto& [name, op] : operations) {
    EXPECT_EQ(message_of<ShapeError>([&, f = op] { f(a, b); }),
              fmt::format("[{}] shapes [2,3] and [2] do not broadcast: axis -1 has extents 3 and 2", name));
    EXPECT_EQ(message_of<DTypeError>([&, f = op] { f(a, c); }),
              fmt::format("[{}] expected operands of one element type, found float32 and float64", name));
    EXPECT_EQ(message_of<DTypeError>([&, f = op] { f(i, i); }),
              fmt::format("[{}] expects float32 or float64 elements, found int32", name));
  }
}

TEST(TensorArithmetic, AffineAndAddScaled) {
  const Tensor a = Tensor::from<double>({2, 2}, {1, -2, 0.5, 4});
  const Tensor y = affine(a, 3, -1);
  EXPECT_EQ(y.at({0, 1}), -7);
  EXPECT_EQ(y.at({1, 0}), 0.5);
  EXPECT_EQ(a.at({0, 1}), -2);
  Tensor target = Tensor::full({2, 2}, 10, DType::float64);
  add_scaled(target, a, -2);
  EXPECT_EQ(target.at({1, 1}), 2);
  add_scaled(target, a);
  EXPECT_EQ(target.at({1, 1}), 6);
  EXPECT_EQ(message_of<ShapeError>([&] { add_scaled(target, Tensor::zeros({4}, DType::float64)); }),
            "[add_scaled] expected shape [2,2], found [4]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              add_scaled(target, Tensor::zeros({2, 2}));
            }),
            "[add_scaled] expected operands of one element type, found float64 and float32");
  EXPECT_EQ(message_of<DTypeError>([] { affine(Tensor::zeros({1}, DType::uint8), 1, 1); }),
            "[affine] expects float32 or float64 elements, found uint8");
}

struct Reduced {
  std::vector<double> sum, max;
  double count = 0;  // elements of the input for each of the output
};

// What the reduction of `a` over `axes` gives, in row-major order of the kept axes.
Reduced reduce(const Tensor& a, const std::vector<int>& axes) {
  const Shape kept = a.shape().reduced(axes, true);
  Reduced r;
  r.sum.assign(static_cast<std::size_t>(kept.numel()), 0);
  r.max.assign(static_cast<std::size_t>(kept.numel()), -kInf);
  for (Index i = 0; i < a.numel(); ++i) {
    const auto at = static_cast<std::size_t>(offset_of(unravel(i, a.shape()), kept));
    r.sum[at] += element(a, i);
    r.max[at] = std::max(r.max[at], element(a, i));
  }
  r.count = static_cast<double>(a.numel()) / static_cast<double>(kept.numel());
  return r;
}

TEST(TensorReductions, EverySubsetOfAxesMatchesTheDefinition) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const Shape& shape : {Shape{2, 3, 5, 4}, Shape{3, 1, 70, 2}, Shape{1, 4, 1, 1}}) {
      const Tensor a = random_tensor(shape, 3, dtype);
      for (int mask = 1; mask < 16; ++mask) {
        std::vector<int> axes;
        for (int axis = 0; axis < 4; ++axis) {
          // Every other axis counted from the end, and not in order.
          if (mask >> axis & 1) axes.insert(axes.begin(), axis % 2 == 0 ? axis : axis - 4);
        }
        const Reduced expected = reduce(a, axes);
        const Shape dropped = shape.reduced(axes, false), kept = shape.reduced(axes, true);
        // Sums are taken in double and rounded once for each run of neighbouring axes: at most two here, of
        // values of size sqrt(count) or so.
        const double epsilon = dtype == DType::float32 ? 1.2e-7 : 2.3e-16;
        const double tolerance = 8 * epsilon * std::sqrt(expected.count);
        for (const bool keep : {false, true}) {
          const Tensor total = sum(a, axes, keep), average = mean(a, axes, keep),
                       largest = max(a, axes, keep);
          for (const Tensor* y : {&total, &average, &largest}) {
            ASSERT_EQ(y->shape(), keep ? kept : dropped);
            ASSERT_EQ(y->dtype(), dtype);
          }
          for (Index i = 0; i < kept.numel(); ++i) {
            const auto at = static_cast<std::size_t>(i);
            const std::string where = fmt::format("{} over mask {} at {}", shape, mask, i);
            ASSERT_NEAR(element(total, i), expected.sum[at], tolerance * 4) << where;
            ASSERT_NEAR(element(average, i), expected.sum[at] / expected.count,
                        tolerance * 4 / expected.count)
                << where;
            ASSERT_EQ(element(largest, i), expected.max[at]) << where;
          }
        }
      }
    }
  }
}

TEST(TensorReductions, NoAxesMeansAllOfThem) {
  const Tensor a = Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 60});
  EXPECT_EQ(sum(a).shape(), Shape{});
  EXPECT_EQ(sum(a).item(), 75);
  EXPECT_EQ(mean(a).item(), 12.5);
  EXPECT_EQ(max(a).item(), 60);
  EXPECT_EQ(sum(a, {}, true).shape(), (Shape{1, 1}));
  // A scalar has nothing to reduce: a new tensor all the same.
  const Tensor scalar = Tensor::full({}, 3);
  EXPECT_EQ(sum(scalar).item(), 3);
  EXPECT_FALSE(sum(scalar).shares_elements_with(scalar));
}

TEST(TensorReductions, ALongSumInFloatKeepsItsDigits) {
  // 0.1 in float added up naively a million times is off by 1e-2 relative.
  const Tensor a = Tensor::full({1000003}, 0.1);
  const double exact = 1000003 * static_cast<double>(0.1F);
  EXPECT_NEAR(sum(a).item() / exact, 1, 1e-7);
  EXPECT_NEAR(mean(a).item(), 0.1, 1e-8);
}

TEST(TensorReductions, OfNoElements) {
  const Tensor none = Tensor::zeros({2, 0, 3});
  const int middle[] = {1}, last[] = {2};
  EXPECT_EQ(sum(none, middle).shape(), (Shape{2, 3}));
  EXPECT_EQ(sum(none, middle).at({1, 2}), 0);
  EXPECT_EQ(sum(none).item(), 0);
  EXPECT_TRUE(std::isnan(mean(none).item()));
  EXPECT_TRUE(std::isnan(mean(none, middle).at({0, 0})));
  EXPECT_EQ(sum(none, last).shape(), (Shape{2, 0}));
  EXPECT_EQ(max(none, last).shape(), (Shape{2, 0}));
  EXPECT_EQ(message_of<ShapeError>([&] { max(none, middle); }), "[max] no elements to reduce in [2,0,3]");
  EXPECT_EQ(message_of<ShapeError>([&] { max(none); }), "[max] no elements to reduce in [2,0,3]");
}

TEST(TensorReductions, MaxOfNanIsNanWhereverItStands) {
  const int rows[] = {1}, columns[] = {0};
  for (int at = 0; at < 3; ++at) {
    Tensor a = Tensor::from<double>({2, 3}, {1, kInf, -1, 4, 5, 6});
    a.data<double>()[at] = kNan;
    EXPECT_TRUE(std::isnan(max(a, rows).at({0})));
    EXPECT_EQ(max(a, rows).at({1}), 6);
    EXPECT_TRUE(std::isnan(max(a, columns).at({at})));
    EXPECT_TRUE(std::isnan(max(a).item()));
  }
  EXPECT_EQ(max(Tensor::from<double>({2}, {-kInf, -kInf})).item(), -kInf);
}

TEST(TensorReductions, NameTheOperationInErrors) {
  const Tensor a = Tensor::zeros({2, 3}), i = Tensor::zeros({2, 3}, DType::int32);
  const int beyond[] = {2};
  EXPECT_EQ(message_of<ShapeError>([&] { sum(a, beyond); }), "[sum] [2,3] has no axis 2");
  EXPECT_EQ(message_of<ShapeError>([&] { mean(a, beyond); }), "[mean] [2,3] has no axis 2");
  EXPECT_EQ(message_of<ShapeError>([&] { max(a, beyond); }), "[max] [2,3] has no axis 2");
  EXPECT_EQ(message_of<DTypeError>([&] { sum(i); }),
            "[sum] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<DTypeError>([&] { mean(i); }),
            "[mean] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<DTypeError>([&] { max(i); }),
            "[max] expects float32 or float64 elements, found int32");
}

TEST(Argmax, TakesTheFirstOfEqualsAndNanAsTheLargest) {
  const Tensor a = Tensor::from<double>(
      {6, 3}, {1, 5, 5, 5, 1, 5, -3, -2, -2, 1, kNan, kInf, kNan, 1, kNan, -kInf, -kInf, -kInf});
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor index = argmax(a.to(dtype));
    EXPECT_EQ(index.shape(), (Shape{6}));
    EXPECT_EQ(index.dtype(), DType::int32);
    const auto found = index.values<std::int32_t>();
    EXPECT_EQ(std::vector<std::int32_t>(found.begin(), found.end()),
              (std::vector<std::int32_t>{1, 0, 1, 1, 0, 0}));
  }
}

TEST(Argmax, WorksAlongTheLastAxisOfAnyRank) {
  const Tensor a = random_tensor({2, 3, 17}, 4);
  const Tensor index = argmax(a);
  EXPECT_EQ(index.shape(), (Shape{2, 3}));
  for (Index i = 0; i < 6; ++i) {
    for (Index k = 0; k < 17; ++k) {
      EXPECT_GE(element(a, i * 17 + static_cast<Index>(element(index, i))), element(a, i * 17 + k));
    }
  }
  EXPECT_EQ(argmax(Tensor::from<float>({3}, {1, 7, 2})).shape(), Shape{});
  EXPECT_EQ(argmax(Tensor::zeros({0, 3})).numel(), 0);
  EXPECT_EQ(message_of<ShapeError>([] { argmax(Tensor::zeros({})); }),
            "[argmax] expected at least one element along the last axis of []");
  EXPECT_EQ(message_of<ShapeError>([] {
              argmax(Tensor::zeros({3, 0}));
            }),
            "[argmax] expected at least one element along the last axis of [3,0]");
  EXPECT_EQ(message_of<DTypeError>([] { argmax(Tensor::zeros({3}, DType::int32)); }),
            "[argmax] expects float32 or float64 elements, found int32");
}

TEST(SumTo, IsTheGradientOfBroadcastTo) {
  for (const auto& [from, to] : {std::pair<Shape, Shape>{{3}, {2, 3}},
                                 {{2, 1}, {2, 3}},
                                 {{}, {2, 3}},
                                 {{1, 1}, {2, 3}},
                                 {{3, 1, 1}, {2, 3, 4, 5}},
                                 {{1, 2, 1, 4}, {3, 2, 5, 4}},
                                 {{1, 3}, {0, 3}},
                                 {{2, 3}, {1, 2, 3}}}) {
    const Tensor x = random_tensor(from, 5), wide = random_tensor(to, 6);
    const Tensor stretched = broadcast_to(x, to), summed = sum_to(wide, from);
    ASSERT_EQ(stretched.shape(), to);
    ASSERT_EQ(summed.shape(), from);
    std::vector<double> expected(static_cast<std::size_t>(from.numel()));
    for (Index i = 0; i < to.numel(); ++i) {
      const Index at = offset_of(unravel(i, to), from);
      EXPECT_EQ(element(stretched, i), element(x, at));
      expected[static_cast<std::size_t>(at)] += element(wide, i);
    }
    for (Index i = 0; i < from.numel(); ++i) {
      EXPECT_NEAR(element(summed, i), expected[static_cast<std::size_t>(i)], 1e-13);
    }
  }
}

TEST(SumTo, RejectsShapesThatWereNotStretched) {
  EXPECT_EQ(message_of<ShapeError>([] {
              sum_to(Tensor::zeros({2, 3}), {4, 2, 3});
            }),
            "[sum_to] [4,2,3] does not broadcast to [2,3]");
  EXPECT_EQ(message_of<ShapeError>([] {
              sum_to(Tensor::zeros({2, 3}), {2});
            }),
            "[sum_to] shapes [2,3] and [2] do not broadcast: axis -1 has extents 3 and 2");
  EXPECT_EQ(message_of<ShapeError>([] {
              broadcast_to(Tensor::zeros({2, 3}), {3});
            }),
            "[broadcast_to] [2,3] does not fit [3]");
  EXPECT_EQ(message_of<DTypeError>([] { broadcast_to(Tensor::zeros({1}, DType::int32), {3}); }),
            "[broadcast_to] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<DTypeError>([] { sum_to(Tensor::zeros({3}, DType::int32), {1}); }),
            "[sum_to] expects float32 or float64 elements, found int32");
}

TEST(BroadcastTo, KeepsTheSignOfZero) {
  EXPECT_TRUE(std::signbit(broadcast_to(Tensor::full({1}, -0.0), {3}).at({2})));
}

TEST(AllFinite, FindsOneBadElementAnywhere) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const Index n : {1, 17, 40000}) {
      const Tensor fine = Tensor::full({n}, dtype == DType::float32 ? 3e38 : 1e308, dtype);
      EXPECT_TRUE(all_finite(fine));
      for (const Index at : {Index{0}, n / 2, n - 1}) {
        for (const double bad : {kNan, kInf, -kInf}) {
          Tensor t = fine.clone();
          t.rows(at, at + 1).fill(bad);
          EXPECT_FALSE(all_finite(t)) << bad << " at " << at << " of " << n;
        }
      }
    }
  }
  EXPECT_TRUE(all_finite(Tensor::zeros({0})));
  EXPECT_TRUE(all_finite(Tensor::full({3}, 7, DType::int32)));
}

TEST(TensorOps, AnUndefinedOperandIsNamedAsSuch) {
  const Tensor none, one = Tensor::ones({1, 1});
  Tensor target = one.clone(), no_target;
  const int order[] = {0};
  const std::int32_t indices[] = {0};
  const auto expect = [](const std::string& operation, const auto& f) {
    EXPECT_EQ(message_of(f), "[" + operation + "] expected a tensor, found an undefined one");
  };
  expect("add", [&] { add(one, none); });
  expect("subtract", [&] { subtract(none, one); });
  expect("multiply", [&] { multiply(none, none); });
  expect("divide", [&] { divide(one, none); });
  expect("affine", [&] { affine(none, 1, 2); });
  expect("add_scaled", [&] { add_scaled(target, none); });
  expect("add_scaled", [&] { add_scaled(no_target, one); });
  expect("sum", [&] { sum(none); });
  expect("mean", [&] { mean(none); });
  expect("max", [&] { max(none); });
  expect("argmax", [&] { argmax(none); });
  expect("sum_to", [&] { sum_to(none, {}); });
  expect("broadcast_to", [&] { broadcast_to(none, {2}); });
  expect("transpose", [&] { transpose(none, order); });
  expect("slice", [&] { slice(none, 0, 0, 1); });
  expect("add_to_slice", [&] { add_to_slice(no_target, 0, 0, one); });
  expect("add_to_slice", [&] { add_to_slice(target, 0, 0, none); });
  expect("concatenate", [&] { concatenate({one, none}, 0); });
  expect("gather_rows", [&] { gather_rows(none, indices); });
  expect("all_finite", [&] { all_finite(none); });
}

}  // namespace
}  // namespace keel
