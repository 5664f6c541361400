// The functions that move elements, for every element type.
#include <gtest/gtest.h>

#include "keel/core/tensor_ops.h"
#include "support/errors.h"
#include "support/index.h"

namespace keel {
namespace {

using testing::element;
using testing::message_of;
using testing::offset_of;
using testing::unravel;

class Layout : public ::testing::TestWithParam<DType> {
 protected:
  // Different values in all elements, as far as the type goes.
  static Tensor counting(const Shape& shape, int first = 0) {
    Tensor t = Tensor::empty(shape, DType::int32);
    for (Index i = 0; i < t.numel(); ++i) t.data<std::int32_t>()[i] = static_cast<std::int32_t>(first + i);
    return t.to(GetParam());
  }
};

INSTANTIATE_TEST_SUITE_P(Types, Layout,
                         ::testing::Values(DType::float32, DType::float64, DType::int32, DType::uint8),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST_P(Layout, TransposePutsAxisOrderIAtI) {
  const Shape shape{2, 3, 5, 4};
  const Tensor a = counting(shape);
  for (const std::vector<int>& order : {std::vector<int>{0, 1, 2, 3},
                                        {3, 2, 1, 0},
                                        {1, 0, 3, 2},
                                        {0, 2, 3, 1},
                                        {2, 3, 0, 1},
                                        {-1, 0, -3, 2}}) {
    const Tensor y = transpose(a, order);
    EXPECT_FALSE(y.shares_elements_with(a));
    ASSERT_EQ(y.dtype(), GetParam());
    for (int i = 0; i < 4; ++i) ASSERT_EQ(y.size(i), shape[order[static_cast<std::size_t>(i)]]);
    for (Index i = 0; i < y.numel(); ++i) {
      const std::vector<Index> index = unravel(i, y.shape());
      std::vector<Index> source(4);
      for (std::size_t k = 0; k < 4; ++k) {
        source[static_cast<std::size_t>(shape.normalize_axis(order[k]))] = index[k];
      }
      ASSERT_EQ(element(y, i), element(a, offset_of(source, shape)));
    }
  }
}

TEST_P(Layout, TransposeOfSmallRanksAndNoElements) {
  EXPECT_EQ(transpose(counting({}, 7), {}).item(), 7);
  const int one[] = {0}, two[] = {1, 0};
  EXPECT_EQ(transpose(counting({3}), one).at({2}), 2);
  EXPECT_EQ(transpose(counting({0, 3}), two).shape(), (Shape{3, 0}));
}

TEST_P(Layout, SliceTakesARangeOfAnyAxis) {
  const Shape shape{2, 5, 3};
  const Tensor a = counting(shape);
  for (int axis = -3; axis < 3; ++axis) {
    const Index extent = shape[axis];
    for (Index begin = 0; begin <= extent; ++begin) {
      for (Index end = begin; end <= extent; ++end) {
        const Tensor y = slice(a, axis, begin, end);
        ASSERT_EQ(y.shape(), shape.with(axis, end - begin));
        ASSERT_EQ(y.dtype(), GetParam());
        for (Index i = 0; i < y.numel(); ++i) {
          std::vector<Index> index = unravel(i, y.shape());
          index[static_cast<std::size_t>(shape.normalize_axis(axis))] += begin;
          ASSERT_EQ(element(y, i), element(a, offset_of(index, shape)));
        }
      }
    }
  }
  EXPECT_FALSE(slice(a, 0, 0, 2).shares_elements_with(a));
}

TEST_P(Layout, ConcatenateUndoesSlicing) {
  const Tensor a = counting({4, 5, 3});
  for (const int axis : {0, 1, 2, -1}) {
    const Index n = a.size(axis);
    const Tensor y = concatenate(
        {slice(a, axis, 0, 1), slice(a, axis, 1, 1), slice(a, axis, 1, n - 1), slice(a, axis, n - 1, n)},
        axis);
    ASSERT_EQ(y.shape(), a.shape());
    ASSERT_EQ(y.dtype(), GetParam());
    for (Index i = 0; i < a.numel(); ++i) ASSERT_EQ(element(y, i), element(a, i));
  }
  const Tensor single = concatenate({a}, 1);
  EXPECT_FALSE(single.shares_elements_with(a));
}

TEST_P(Layout, GatherRowsTakesRowsInTheGivenOrder) {
  const Tensor a = counting({4, 2, 3});
  const std::int32_t order[] = {3, 0, 0, 2, 3};
  const Tensor y = gather_rows(a, order);
  ASSERT_EQ(y.shape(), (Shape{5, 2, 3}));
  ASSERT_EQ(y.dtype(), GetParam());
  for (Index r = 0; r < 5; ++r) {
    for (Index k = 0; k < 6; ++k) ASSERT_EQ(element(y, r * 6 + k), element(a, order[r] * 6 + k));
  }
  EXPECT_EQ(gather_rows(a, {}).shape(), (Shape{0, 2, 3}));
  const std::int32_t second[] = {1};
  EXPECT_EQ(gather_rows(counting({3}), second).item(), 1);
}

TEST(TensorLayout, AddToSliceAddsToTheRangeAlone) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const int axis : {0, 1, 2, -2}) {
      const Shape shape{3, 4, 2};
      Tensor target = Tensor::full(shape, 10, dtype);
      const Tensor source = Tensor::full(shape.with(axis, 2), 5, dtype);
      const Index begin = shape[axis] - 2;
      add_to_slice(target, axis, begin, source);
      for (Index i = 0; i < target.numel(); ++i) {
        const Index at = unravel(i, shape)[static_cast<std::size_t>(shape.normalize_axis(axis))];
        ASSERT_EQ(element(target, i), at >= begin ? 15 : 10) << "axis " << axis;
      }
    }
  }
}

TEST(TensorLayout, ErrorsNameTheOperationAndTheShapes) {
  const Tensor a = Tensor::zeros({2, 3});
  const int one[] = {0}, twice[] = {1, 1}, beyond[] = {0, 2};
  EXPECT_EQ(message_of<ShapeError>([&] { transpose(a, one); }),
            "[transpose] shape [2,3] expects 2 axes, found 1");
  EXPECT_EQ(message_of<ShapeError>([&] { transpose(a, twice); }),
            "[transpose] axis 1 of [2,3] is named twice");
  EXPECT_EQ(message_of<ShapeError>([&] { transpose(a, beyond); }), "[transpose] [2,3] has no axis 2");
  EXPECT_EQ(message_of<ShapeError>([&] { slice(a, 2, 0, 1); }), "[slice] [2,3] has no axis 2");
  for (const auto& [begin, end] : {std::pair<Index, Index>{-1, 1}, {2, 1}, {0, 4}}) {
    EXPECT_EQ(message_of<ShapeError>([&, b = begin, e = end] { slice(a, -1, b, e); }),
              fmt::format("[slice] elements {} to {} are not within axis 1 of [2,3]", begin, end));
  }
  EXPECT_EQ(message_of<ValueError>([] { concatenate({}, 0); }),
            "[concatenate] expected at least one tensor, found none");
  EXPECT_EQ(message_of<ShapeError>([&] { concatenate({a}, 2); }), "[concatenate] [2,3] has no axis 2");
  EXPECT_EQ(message_of<ShapeError>([&] {
              concatenate({a, Tensor::zeros({3, 3})}, 1);
            }),
            "[concatenate] along axis 1: [3,3] does not fit [2,3]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              concatenate({a, Tensor::zeros({3})}, 0);
            }),
            "[concatenate] along axis 0: [3] does not fit [2,3]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              concatenate({a, a.to(DType::int32)}, 0);
            }),
            "[concatenate] expected float32 elements, found int32");
  const std::int32_t indices[] = {0, 2}, negative[] = {-1};
  EXPECT_EQ(message_of<ShapeError>([&] { gather_rows(a, indices); }),
            "[gather_rows] index 2 is out of range for [2,3]");
  EXPECT_EQ(message_of<ShapeError>([&] { gather_rows(a, negative); }),
            "[gather_rows] index -1 is out of range for [2,3]");
  EXPECT_EQ(message_of<ShapeError>([&] { gather_rows(Tensor::zeros({}), {}); }),
            "[gather_rows] a scalar has no rows");
}

TEST(TensorLayout, AddToSliceErrors) {
  Tensor target = Tensor::zeros({2, 3});
  EXPECT_EQ(message_of<ShapeError>([&] {
              add_to_slice(target, 1, 2, Tensor::zeros({2, 2}));
            }),
            "[add_to_slice] [2,2] does not fit axis 1 of [2,3] from 2");
  EXPECT_EQ(message_of<ShapeError>([&] {
              add_to_slice(target, 1, INT64_MAX, Tensor::zeros({2, 1}));
            }),
            "[add_to_slice] [2,1] does not fit axis 1 of [2,3] from 9223372036854775807");
  EXPECT_EQ(message_of<ShapeError>([&] { add_to_slice(target, 0, 0, Tensor::zeros({3})); }),
            "[add_to_slice] [3] does not fit axis 0 of [2,3] from 0");
  EXPECT_EQ(message_of<ShapeError>([&] {
              add_to_slice(target, -3, 0, Tensor::zeros({2, 1}));
            }),
            "[add_to_slice] [2,3] has no axis -3");
  EXPECT_EQ(message_of<DTypeError>([&] {
              add_to_slice(target, 1, 0, Tensor::zeros({2, 1}, DType::float64));
            }),
            "[add_to_slice] expected operands of one element type, found float32 and float64");
}

}  // namespace
}  // namespace keel
