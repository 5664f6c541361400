// What tests of layers do over and over.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "keel/nn/module.h"

namespace keel::testing {

// The layer's output in a context of its own.
inline Variable run(nn::Module& layer, const Variable& x, nn::Mode mode) {
  nn::Context context(mode);
  return layer(x, context);
}

// Of float64; NaN if there is one.
inline double largest_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  double largest = 0;
  for (Index i = 0; i < a.numel(); ++i) {
    const double difference = std::abs(a.data<double>()[i] - b.data<double>()[i]);
    if (difference > largest || std::isnan(difference)) largest = difference;
  }
  return largest;
}

inline void expect_near(const Tensor& actual, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(actual.numel(), static_cast<Index>(expected.size()));
  const Tensor exact = actual.to(DType::float64);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(exact.data<double>()[i], expected[i], tolerance) << "element " << i;
  }
}

}  // namespace keel::testing
