#include "keel/core/tensor.h"

#include <gtest/gtest.h>

#include <limits>

#include "keel/core/allocator.h"
#include "support/errors.h"

namespace keel {
namespace {

using testing::message_of;

constexpr DType kAll[] = {DType::float32, DType::float64, DType::int32, DType::uint8};

Tensor counting(const Shape& shape) {
  Tensor t = Tensor::empty(shape, DType::int32);
  for (Index i = 0; i < t.numel(); ++i) t.data<std::int32_t>()[i] = static_cast<std::int32_t>(i);
  return t;
}

template <class T>
std::vector<T> elements(const Tensor& t) {
  return {t.values<T>().begin(), t.values<T>().end()};
}

TEST(Tensor, FactoriesFillEveryElementOfEveryType) {
  for (const DType dtype : kAll) {
    const Shape shape{3, 1, 5};
    for (const auto& [tensor, expected] : {std::pair(Tensor::zeros(shape, dtype), 0.0),
                                           {Tensor::ones(shape, dtype), 1.0},
                                           {Tensor::full(shape, 7, dtype), 7.0}}) {
      EXPECT_EQ(tensor.shape(), shape);
      EXPECT_EQ(tensor.dtype(), dtype);
      EXPECT_EQ(tensor.num_bytes(), 15 * size_of(dtype));
      for (Index i = 0; i < 3; ++i) {
        for (Index k = 0; k < 5; ++k) EXPECT_EQ(tensor.at({i, 0, k}), expected) << name_of(dtype);
      }
    }
  }
  EXPECT_EQ(Tensor::zeros({2}).dtype(), DType::float32);
  const Tensor like = Tensor::like(Tensor::zeros({2, 3}, DType::uint8));
  EXPECT_EQ(like.shape(), (Shape{2, 3}));
  EXPECT_EQ(like.dtype(), DType::uint8);
  EXPECT_EQ(Tensor::zeros_like(Tensor::ones({2}, DType::float64)).at({1}), 0);
}

TEST(Tensor, ZerosAreZerosInMemoryThatHeldSomethingElse) {
  { Tensor::full({1000}, 3.5); }
  const Tensor zeros = Tensor::zeros({1000});
  for (const float v : zeros.values<float>()) ASSERT_EQ(v, 0);
}

TEST(Tensor, FromCopiesTheValues) {
  std::vector<std::int32_t> values = {1, 2, 3, 4, 5, 6};
  const Tensor t = Tensor::from<std::int32_t>({2, 3}, values);
  values[0] = 99;
  EXPECT_EQ(elements<std::int32_t>(t), (std::vector<std::int32_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(Tensor::from<std::uint8_t>({2}, {7, 200}).at({1}), 200);
  EXPECT_EQ(Tensor::from<float>({}, {2.5F}).item(), 2.5);
  EXPECT_EQ(Tensor::from<double>({0, 3}, {}).numel(), 0);
  EXPECT_EQ(message_of<ShapeError>([] {
              Tensor::from<float>({2, 3}, {1, 2, 3});
            }),
            "[tensor] shape [2,3] has 6 elements, found 3 values");
}

TEST(Tensor, CopiesAreHandlesAndClonesAreNot) {
  Tensor a = Tensor::zeros({4});
  EXPECT_TRUE(a.unique());
  const Tensor handle = a, clone = a.clone();
  EXPECT_FALSE(a.unique());
  EXPECT_TRUE(a.shares_elements_with(handle));
  EXPECT_FALSE(a.shares_elements_with(clone));
  a.fill(3);
  EXPECT_EQ(handle.at({2}), 3);
  EXPECT_EQ(clone.at({2}), 0);
  EXPECT_EQ(clone.dtype(), DType::float32);
}

TEST(Tensor, ReshapeIsAView) {
  Tensor a = counting({2, 6});
  Tensor b = a.reshape({3, 4});
  EXPECT_TRUE(a.shares_elements_with(b));
  EXPECT_EQ(b.at({2, 1}), 9);
  b.data<std::int32_t>()[9] = -1;
  EXPECT_EQ(a.at({1, 3}), -1);
  EXPECT_EQ(a.shape(), (Shape{2, 6}));
  EXPECT_EQ(a.reshape(Shape{12, 1}).shape(), (Shape{12, 1}));
}

TEST(Tensor, ReshapeInfersOneExtent) {
  const Tensor a = counting({2, 6});
  EXPECT_EQ(a.reshape({-1}).shape(), (Shape{12}));
  EXPECT_EQ(a.reshape({4, -1}).shape(), (Shape{4, 3}));
  EXPECT_EQ(a.reshape({2, -1, 2}).shape(), (Shape{2, 3, 2}));
  EXPECT_EQ(Tensor::zeros({}).reshape({-1, 1}).shape(), (Shape{1, 1}));
  EXPECT_EQ(Tensor::zeros({0, 3}).reshape({-1, 5}).shape(), (Shape{0, 5}));
}

TEST(Tensor, ReshapeRejectsOtherNumbersOfElements) {
  const Tensor a = counting({2, 6});
  EXPECT_EQ(message_of<ShapeError>([&] {
              (void)a.reshape({3, 5});
            }),
            "[reshape] [2,6] has 12 elements, [3,5] has 15");
  EXPECT_EQ(message_of<ShapeError>([&] {
              (void)a.reshape({5, -1});
            }),
            "[reshape] [2,6] with 12 elements does not fit [5,-1]");
  EXPECT_EQ(message_of<ShapeError>([] {
              (void)Tensor::zeros({0}).reshape({0, -1});
            }),
            "[reshape] [0] with 0 elements does not fit [0,-1]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              (void)a.reshape({-1, -1});
            }),
            "[reshape] at most one extent of [-1,-1] may be -1");
  EXPECT_EQ(message_of<ShapeError>([&] {
              (void)a.reshape({-2, 6});
            }),
            "[shape] extents are at least 0, found -2");
}

TEST(Tensor, RowsAreAViewOfTheFirstAxis) {
  Tensor a = counting({5, 2, 3});
  Tensor middle = a.rows(1, 4);
  EXPECT_EQ(middle.shape(), (Shape{3, 2, 3}));
  EXPECT_EQ(middle.numel(), 18);
  EXPECT_EQ(middle.at({0, 0, 0}), 6);
  EXPECT_EQ(middle.at({2, 1, 2}), 23);
  EXPECT_TRUE(middle.shares_elements_with(a));
  middle.fill(-1);
  EXPECT_EQ(a.at({0, 1, 2}), 5);
  EXPECT_EQ(a.at({1, 0, 0}), -1);
  EXPECT_EQ(a.at({3, 1, 2}), -1);
  EXPECT_EQ(a.at({4, 0, 0}), 24);
  EXPECT_EQ(a.rows(4, 5).rows(0, 1).at({0, 0, 1}), 25);
  EXPECT_EQ(a.rows(2, 2).numel(), 0);
  EXPECT_EQ(a.rows(5, 5).shape(), (Shape{0, 2, 3}));
  // A clone of a view holds the view's elements only.
  EXPECT_EQ(elements<std::int32_t>(counting({4, 2}).rows(2, 3).clone()), (std::vector<std::int32_t>{4, 5}));
}

TEST(Tensor, RowsRejectsWhatIsOutside) {
  const Tensor a = counting({5, 2});
  for (const auto& [begin, end] : {std::pair<Index, Index>{-1, 2}, {3, 2}, {4, 6}}) {
    EXPECT_EQ(message_of<ShapeError>([&, b = begin, e = end] { (void)a.rows(b, e); }),
              fmt::format("[rows] rows {} to {} are not within [5,2]", begin, end));
  }
  EXPECT_EQ(message_of<ShapeError>([] { (void)Tensor::zeros({}).rows(0, 1); }),
            "[rows] rows 0 to 1 are not within []");
}

TEST(Tensor, AViewOutlivesTheTensorItCameFrom) {
  Tensor view;
  { view = counting({3, 4}).rows(1, 2).reshape({2, 2}); }
  EXPECT_EQ(view.at({1, 1}), 7);
  EXPECT_TRUE(view.unique());
}

TEST(Tensor, ConvertsBetweenAllTypes) {
  for (const DType from : kAll) {
    for (const DType to : kAll) {
      const Tensor t = Tensor::from<std::int32_t>({3}, {0, 1, 200}).to(from).to(to);
      EXPECT_EQ(t.dtype(), to);
      for (Index i = 0; i < 3; ++i) EXPECT_EQ(t.at({i}), (std::array{0.0, 1.0, 200.0}[i]));
    }
  }
  const Tensor same = Tensor::zeros({2});
  EXPECT_TRUE(same.to(DType::float32).shares_elements_with(same));
  EXPECT_FALSE(same.to(DType::float64).shares_elements_with(same));
}

template <class From>
void reals_saturate_and_nan_is_zero() {
  constexpr From kInf = std::numeric_limits<From>::infinity();
  const Tensor reals =
      Tensor::from<From>({9}, {From(-1.9), From(1.9), From(-3e9), From(3e9), -kInf, kInf,
                               std::numeric_limits<From>::quiet_NaN(), From(255.9), From(-0.5)});
  constexpr std::int32_t kLow = std::numeric_limits<std::int32_t>::min(),
                         kHigh = std::numeric_limits<std::int32_t>::max();
  EXPECT_EQ(elements<std::int32_t>(reals.to(DType::int32)),
            (std::vector<std::int32_t>{-1, 1, kLow, kHigh, kLow, kHigh, 0, 255, 0}));
  EXPECT_EQ(elements<std::uint8_t>(reals.to(DType::uint8)),
            (std::vector<std::uint8_t>{0, 1, 0, 255, 0, 255, 0, 255, 0}));
}

TEST(Tensor, RealsAreTruncatedAndSaturateAndNanIsZero) {
  reals_saturate_and_nan_is_zero<float>();
  reals_saturate_and_nan_is_zero<double>();
  EXPECT_EQ(elements<std::uint8_t>(Tensor::from<std::int32_t>({3}, {-7, 255, 256}).to(DType::uint8)),
            (std::vector<std::uint8_t>{0, 255, 255}));
  EXPECT_EQ(Tensor::full({}, 300, DType::uint8).item(), 255);
  EXPECT_EQ(Tensor::from<double>({}, {1e300}).to(DType::float32).item(),
            std::numeric_limits<double>::infinity());
}

TEST(Tensor, ItemExpectsExactlyOneElement) {
  EXPECT_EQ(Tensor::full({1, 1}, 4, DType::uint8).item(), 4);
  EXPECT_EQ(message_of<ShapeError>([] { (void)Tensor::zeros({2}).item(); }),
            "[item] expected a tensor of one element, found float32 [2] {0, 0}");
  EXPECT_EQ(message_of<ShapeError>([] { (void)Tensor::zeros({0}, DType::int32).item(); }),
            "[item] expected a tensor of one element, found int32 [0] {}");
  EXPECT_EQ(message_of<ShapeError>([] { (void)Tensor().item(); }),
            "[item] expected a tensor of one element, found undefined tensor");
}

TEST(Tensor, AtChecksRankAndRange) {
  const Tensor a = counting({2, 3});
  EXPECT_EQ(a.at({1, 2}), 5);
  EXPECT_EQ(message_of<ShapeError>([&] { (void)a.at({1}); }), "[at] shape [2,3] expects 2 indices, found 1");
  EXPECT_EQ(message_of<ShapeError>([&] {
              (void)a.at({0, 3});
            }),
            "[at] index 3 is out of range on axis 1 of [2,3]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              (void)a.at({-1, 0});
            }),
            "[at] index -1 is out of range on axis 0 of [2,3]");
}

TEST(Tensor, DataChecksTheElementType) {
  Tensor a = counting({2});
  EXPECT_EQ(message_of<DTypeError>([&] { (void)a.data<float>(); }),
            "[tensor] expected float32 elements, found int32");
  EXPECT_EQ(message_of<DTypeError>([&] { (void)a.values<double>(); }),
            "[tensor] expected float64 elements, found int32");
}

TEST(Tensor, CopyFromWantsTheSameShapeAndType) {
  Tensor a = Tensor::zeros({2, 2});
  a.copy_from(Tensor::full({2, 2}, 3));
  EXPECT_EQ(a.at({1, 1}), 3);
  EXPECT_EQ(message_of<ShapeError>([&] { a.copy_from(Tensor::zeros({4})); }),
            "[copy_from] expected shape [2,2], found [4]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              a.copy_from(Tensor::zeros({2, 2}, DType::int32));
            }),
            "[copy_from] expected float32 elements, found int32");
}

TEST(Tensor, AnUndefinedTensorSaysSo) {
  const Tensor none;
  EXPECT_FALSE(none.defined());
  EXPECT_EQ(none.to_string(), "undefined tensor");
  EXPECT_FALSE(none.shares_elements_with(Tensor()));
  const char* const message = "[tensor] expected float32 elements, found an undefined tensor";
  EXPECT_EQ(message_of<DTypeError>([&] { (void)none.data<float>(); }), message);
  EXPECT_EQ(message_of<DTypeError>([&] { (void)none.to(DType::int32); }), message);
  EXPECT_EQ(message_of<ShapeError>([&] { (void)none.reshape({1}); }),
            "[reshape] [] has 0 elements, [1] has 1");
  EXPECT_EQ(message_of<Error>([&] { (void)none.clone(); }),
            "[clone] expected a tensor, found an undefined one");
  Tensor scalar = Tensor::zeros({});
  EXPECT_EQ(message_of<Error>([&] { scalar.copy_from(none); }),
            "[copy_from] expected a tensor, found an undefined one");
}

TEST(Tensor, ToStringShowsTheFirstElements) {
  EXPECT_EQ(counting({2, 3}).to_string(), "int32 [2,3] {0, 1, 2, 3, 4, 5}");
  EXPECT_EQ(counting({3, 4}).to_string(), "int32 [3,4] {0, 1, 2, 3, 4, 5, 6, 7, ...}");
  EXPECT_EQ(Tensor::full({}, 0.5).to_string(), "float32 [] {0.5}");
}

TEST(Tensor, BytesBeyondCountingAreAShapeError) {
  constexpr Index kElements = Index{1} << 62;  // their number can be counted, their bytes cannot
  EXPECT_EQ(message_of<ShapeError>([] { Tensor::zeros({kElements}); }),
            "[tensor] [4611686018427387904] of float32 elements has more bytes than can be counted");
  // The product wraps round to 8 bytes.
  EXPECT_EQ(message_of<ShapeError>([] { Tensor::empty({(Index{1} << 61) + 1}, DType::float64); }),
            "[tensor] [2305843009213693953] of float64 elements has more bytes than can be counted");
}

}  // namespace
}  // namespace keel
