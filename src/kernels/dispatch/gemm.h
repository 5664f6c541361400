// Matrix products, by OpenBLAS.
#pragma once

#include <cstdint>

namespace keel::kernels {

// y = op(a) op(b) + scale_y y with op(m) = m or its transpose; all row-major.  writes y (scale_y = 0) or adds
// (1)
//   a: [m, k], or [k, m] if transpose_a     b: [k, n], or [n, k] if transpose_b     y: [m, n]
struct GemmOptions {
  bool transpose_a = false;
  bool transpose_b = false;
  double scale_y = 0;
};
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b, float* y,
          const GemmOptions& options);
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const double* a, const double* b, double* y,
          const GemmOptions& options);

// The largest extent that gemm takes.
inline constexpr std::int64_t kGemmMaxExtent = INT32_MAX;

}  // namespace keel::kernels
