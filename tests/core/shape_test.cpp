#include "keel/core/shape.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "support/errors.h"

namespace keel {
namespace {

using testing::message_of;

TEST(Shape, AScalarHasRankZeroAndOneElement) {
  const Shape scalar;
  EXPECT_EQ(scalar.rank(), 0);
  EXPECT_EQ(scalar.numel(), 1);
  EXPECT_EQ(scalar.to_string(), "[]");
  EXPECT_EQ(scalar, Shape(std::initializer_list<Index>{}));
}

TEST(Shape, CountsElementsAndKeepsTheOrderOfExtents) {
  const Shape shape{2, 3, 5, 7};
  EXPECT_EQ(shape.rank(), 4);
  EXPECT_EQ(shape.numel(), 210);
  EXPECT_EQ(shape.to_string(), "[2,3,5,7]");
  EXPECT_EQ(std::vector<Index>(shape.begin(), shape.end()), (std::vector<Index>{2, 3, 5, 7}));
  EXPECT_EQ(shape.numel_between(1, 3), 15);
  EXPECT_EQ(shape.numel_between(2, 2), 1);
  EXPECT_EQ((Shape{4, 0, 3}).numel(), 0);
  EXPECT_EQ(fmt::format("<{}>", shape), "<[2,3,5,7]>");
}

TEST(Shape, NegativeAxesCountFromTheEnd) {
  const Shape shape{2, 3, 5};
  for (int axis = 0; axis < 3; ++axis) {
    EXPECT_EQ(shape.normalize_axis(axis), axis);
    EXPECT_EQ(shape.normalize_axis(axis - 3), axis);
    EXPECT_EQ(shape[axis], shape[axis - 3]);
  }
  EXPECT_EQ(shape[-1], 5);
  EXPECT_EQ(message_of<ShapeError>([&] { (void)shape[3]; }), "[shape] [2,3,5] has no axis 3");
  EXPECT_EQ(message_of<ShapeError>([&] { (void)shape[-4]; }), "[shape] [2,3,5] has no axis -4");
  EXPECT_EQ(message_of<ShapeError>([&] { (void)Shape{}[0]; }), "[shape] [] has no axis 0");
  EXPECT_EQ(message_of<ShapeError>([&] { (void)shape.normalize_axis(7, "sum"); }),
            "[sum] [2,3,5] has no axis 7");
}

TEST(Shape, RejectsWhatNoTensorCanHave) {
  EXPECT_EQ(message_of<ShapeError>([] { Shape({2, -3}); }), "[shape] extents are at least 0, found -3");
  EXPECT_EQ((Shape{1, 2, 3, 4, 5, 6, 7, 8}).rank(), Shape::kMaxRank);
  EXPECT_EQ(message_of<ShapeError>([] {
              Shape({1, 1, 1, 1, 1, 1, 1, 1, 1});
            }),
            "[shape] a rank of 9 is above the highest, 8");
}

TEST(Shape, RejectsProductsThatOverflow) {
  constexpr Index kBig = Index{1} << 62;
  EXPECT_EQ((Shape{kBig}).numel(), kBig);
  EXPECT_EQ(message_of<ShapeError>([] {
              Shape({kBig, 2});
            }),
            "[shape] [4611686018427387904,2] has more elements than can be counted");
  // A product over some of the axes must be safe too, so an extent of 0 does not hide the others.
  EXPECT_EQ(message_of<ShapeError>([] {
              Shape({0, kBig, 2});
            }),
            "[shape] [0,4611686018427387904,2] has more elements than can be counted");
  EXPECT_EQ(message_of<ShapeError>([] {
              (void)Shape({4, 2}).with(0, std::numeric_limits<Index>::max());
            }),
            "[shape] [9223372036854775807,2] has more elements than can be counted");
}

TEST(Shape, ComparesExtentsAndRank) {
  EXPECT_EQ((Shape{2, 3}), (Shape{2, 3}));
  EXPECT_FALSE((Shape{2, 3}) == (Shape{3, 2}));
  EXPECT_FALSE((Shape{2, 3}) == (Shape{2, 3, 1}));
  EXPECT_FALSE((Shape{1}) == Shape{});
}

TEST(Shape, WithReplacesOneExtent) {
  EXPECT_EQ((Shape{2, 3, 5}).with(1, 7), (Shape{2, 7, 5}));
  EXPECT_EQ((Shape{2, 3, 5}).with(-1, 0), (Shape{2, 3, 0}));
  EXPECT_EQ(message_of<ShapeError>([] { (void)Shape({2}).with(0, -1); }),
            "[shape] extents are at least 0, found -1");
  EXPECT_EQ(message_of<ShapeError>([] { (void)Shape({2}).with(1, 4); }), "[shape] [2] has no axis 1");
}

TEST(Shape, ReducedDropsOrKeepsAxes) {
  const Shape shape{2, 3, 5, 7};
  const std::vector<int> none, ends = {0, -1}, twice = {1, -3};
  EXPECT_EQ(shape.reduced(none, false), shape);
  EXPECT_EQ(shape.reduced(ends, false), (Shape{3, 5}));
  EXPECT_EQ(shape.reduced(ends, true), (Shape{1, 3, 5, 1}));
  EXPECT_EQ(shape.reduced(twice, false), (Shape{2, 5, 7}));
  const std::vector<int> beyond = {4};
  EXPECT_EQ(message_of<ShapeError>([&] { (void)shape.reduced(beyond, true); }),
            "[shape] [2,3,5,7] has no axis 4");
}

TEST(BroadcastShapes, FollowsNumPysRules) {
  const auto both = [](const Shape& a, const Shape& b) {
    EXPECT_EQ(broadcast_shapes("op", a, b), broadcast_shapes("op", b, a));
    return broadcast_shapes("op", a, b);
  };
  EXPECT_EQ(both({2, 3}, {2, 3}), (Shape{2, 3}));
  EXPECT_EQ(both({2, 3}, {}), (Shape{2, 3}));
  EXPECT_EQ(both({}, {}), Shape{});
  EXPECT_EQ(both({2, 3}, {3}), (Shape{2, 3}));
  EXPECT_EQ(both({2, 1, 3}, {4, 1}), (Shape{2, 4, 3}));
  EXPECT_EQ(both({5, 1, 1}, {1, 7}), (Shape{5, 1, 7}));
  EXPECT_EQ(both({0}, {1}), (Shape{0}));
  EXPECT_EQ(both({4, 0, 1}, {1, 6}), (Shape{4, 0, 6}));
}

TEST(BroadcastShapes, NamesTheOperationBothShapesAndTheAxis) {
  EXPECT_EQ(message_of<ShapeError>([] {
              broadcast_shapes("add", {2, 3}, {2});
            }),
            "[add] shapes [2,3] and [2] do not broadcast: axis -1 has extents 3 and 2");
  EXPECT_EQ(message_of<ShapeError>([] {
              broadcast_shapes("divide", {4, 2, 3}, {5, 1, 3});
            }),
            "[divide] shapes [4,2,3] and [5,1,3] do not broadcast: axis -3 has extents 4 and 5");
  EXPECT_EQ(message_of<ShapeError>([] { broadcast_shapes("add", {0}, {2}); }),
            "[add] shapes [0] and [2] do not broadcast: axis -1 has extents 0 and 2");
}

}  // namespace
}  // namespace keel
