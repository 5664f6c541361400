// Matrix products by three loops in double, to hold the fast ones against.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "support/kernel_levels.h"

namespace keel::testing {

struct ProductExtents {
  Index m, n, k;
  bool transpose_a = false, transpose_b = false;
};

// op(a) op(b) + bias, where bias may be empty.
template <class T>
std::vector<double> reference_product(const std::vector<T>& a, const std::vector<T>& b,
                                      const std::vector<T>& bias, const ProductExtents& e) {
  const auto at = [](const std::vector<T>& v, Index i) {
    return static_cast<double>(v[static_cast<std::size_t>(i)]);
  };
  std::vector<double> y;
  for (Index i = 0; i < e.m; ++i) {
    for (Index j = 0; j < e.n; ++j) {
      double sum = bias.empty() ? 0 : at(bias, j);
      for (Index l = 0; l < e.k; ++l) {
        sum += at(a, e.transpose_a ? l * e.m + i : i * e.k + l) *
               at(b, e.transpose_b ? j * e.k + l : l * e.n + j);
      }
      y.push_back(sum);
    }
  }
  return y;
}

// Of normal numbers: a sum of k products wanders as far as 4 sqrt(k) where it is largest, and is rounded k
// times; those errors, of half an epsilon, wander too: sqrt(k) / 2 * 4 sqrt(k) = 2 k.
template <class T>
void expect_product(const std::vector<T>& y, const std::vector<T>& a, const std::vector<T>& b,
                    const std::vector<T>& bias, const ProductExtents& e) {
  const std::vector<double> expected = reference_product(a, b, bias, e);
  ASSERT_EQ(y.size(), expected.size());
  const double tolerance = kEpsilon<T> * (4 + 2 * static_cast<double>(e.k));
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], tolerance) << "element " << i;
}

}  // namespace keel::testing
