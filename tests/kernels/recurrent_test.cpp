// The cells' functions against long double, far from and near zero, in vectors and in what is left of them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/lstm.h"
#include "support/kernel_levels.h"

namespace keel::kernels {
namespace {

namespace testing = keel::testing;

// Arguments of gates from far below to far above zero, on a logarithmic scale of both signs, and zero.
std::vector<float> arguments() {
  std::vector<float> values = {0};
  for (double magnitude = 1e-30; magnitude < 200; magnitude *= 1.07) {
    values.push_back(static_cast<float>(magnitude));
    values.push_back(static_cast<float>(-magnitude));
  }
  return values;
}

long double logistic_of(long double x) { return 1 / (1 + std::exp(-x)); }

// Both functions to a few units in the last place, relative also where they vanish; below the smallest normal
// number absolutely.
void expect_close(float found, long double exact, float x) {
  EXPECT_NEAR(found, static_cast<double>(exact), 4e-7 * std::abs(static_cast<double>(exact)) + 2e-38)
      << "at " << x;
}

TEST(RecurrentKernels, SquashToAFewUnitsInTheLastPlace) {
  const std::vector<float> x = arguments();
  const Index n = static_cast<Index>(x.size());
  // One row of input gates and candidates; the other gates are 0.
  std::vector<float> z(4 * x.size(), 0), c(x.size(), 0), next(x.size());
  std::copy(x.begin(), x.end(), z.begin());
  std::copy(x.begin(), x.end(), z.begin() + 2 * n);
  testing::on_every_level<float>(
      lstm_cell, testing::unwritten<float>(3 * n),
      [&](auto* cell, float* gates) { cell(z.data(), c.data(), gates, next.data(), 1, n); },
      [&](const std::vector<float>& gates) {
        for (std::size_t i = 0; i < x.size(); ++i) {
          expect_close(gates[i], logistic_of(x[i]), x[i]);
          expect_close(gates[2 * x.size() + i], std::tanh(static_cast<long double>(x[i])), x[i]);
          EXPECT_EQ(gates[x.size() + i], 0.5F);
        }
      });
}

TEST(RecurrentKernels, KeepNaNAndInfinitiesInTheirPlaces) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float z[8] = {std::nanf(""), kInfinity, 0, 0, kInfinity, -kInfinity, 0, 0};
  const float c[2] = {1, 1};
  float gates[6], next[2];
  lstm_cell(z, c, gates, next, Index{1}, Index{2});
  EXPECT_TRUE(std::isnan(gates[0]));
  EXPECT_EQ(gates[1], 1);
  EXPECT_EQ(gates[4], 1);
  EXPECT_EQ(gates[5], -1);
  EXPECT_TRUE(std::isnan(next[0]));
}

}  // namespace
}  // namespace keel::kernels
