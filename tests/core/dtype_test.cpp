#include "keel/core/dtype.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace keel {
namespace {

using testing::message_of;

static_assert(dtype_of<float>() == DType::float32);
static_assert(dtype_of<double>() == DType::float64);
static_assert(dtype_of<std::int32_t>() == DType::int32);
static_assert(dtype_of<std::uint8_t>() == DType::uint8);
static_assert(!kIsElementType<std::int64_t> && !kIsElementType<bool> && !kIsElementType<unsigned>);

constexpr DType kAll[] = {DType::float32, DType::float64, DType::int32, DType::uint8};

TEST(DType, HasASizeANameAndAKind) {
  EXPECT_EQ(size_of(DType::float32), 4U);
  EXPECT_EQ(size_of(DType::float64), 8U);
  EXPECT_EQ(size_of(DType::int32), 4U);
  EXPECT_EQ(size_of(DType::uint8), 1U);
  EXPECT_STREQ(name_of(DType::float32), "float32");
  EXPECT_STREQ(name_of(DType::float64), "float64");
  EXPECT_STREQ(name_of(DType::int32), "int32");
  EXPECT_STREQ(name_of(DType::uint8), "uint8");
  EXPECT_TRUE(is_floating(DType::float32) && is_floating(DType::float64));
  EXPECT_FALSE(is_floating(DType::int32) || is_floating(DType::uint8));
}

TEST(DType, DispatchCallsWithTheTypeOfTheName) {
  for (const DType dtype : kAll) {
    EXPECT_EQ(dispatch(dtype, [](auto zero) { return dtype_of<decltype(zero)>(); }), dtype);
    if (!is_floating(dtype)) continue;
    EXPECT_EQ(dispatch_floating("op", dtype, [](auto zero) { return dtype_of<decltype(zero)>(); }), dtype);
  }
}

TEST(DType, DispatchFloatingNamesTheOperation) {
  const auto call = [](DType dtype) {
    return message_of<DTypeError>([&] { dispatch_floating("tanh", dtype, [](auto) {}); });
  };
  EXPECT_EQ(call(DType::int32), "[tanh] expects float32 or float64 elements, found int32");
  EXPECT_EQ(call(DType::uint8), "[tanh] expects float32 or float64 elements, found uint8");
}

TEST(Check, FormatsAndThrowsOnlyWhenTheConditionFails) {
  check(true, "{}", 1);
  EXPECT_EQ(message_of<Error>([] { check(false, "[op] expected {}, found {}", 1, 2); }),
            "[op] expected 1, found 2");
  EXPECT_EQ(message_of<FileError>([] { check<FileError>(false, "[op] no file"); }), "[op] no file");
  EXPECT_EQ(message_of<ValueError>([] { check<ShapeError>(false, "[op] shape"); }),
            "an error of another type: [op] shape");
}

}  // namespace
}  // namespace keel
