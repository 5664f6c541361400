// Matrix products by OpenBLAS.
#pragma once

#include <cstdint>

namespace keel::kernels {

// y = op(a) op(b) with op(m) = m or its transpose; all row-major.
//   a: [m, k], or [k, m] if transpose_a     b: [k, n], or [n, k] if transpose_b     y: [m, n]
struct BlasProduct {
  std::int64_t m, n, k;
  bool transpose_a = false;
  bool transpose_b = false;
};

// Whether OpenBLAS is the one to ask: for products so large that how the caches are used decides, if its
// kernels use vectors as wide as ours. Versions older than the processor fall back on narrower ones.
bool blas_is_faster(const BlasProduct& product);

// writes y
void blas_gemm(const BlasProduct& product, const float* a, const float* b, float* y);
void blas_gemm(const BlasProduct& product, const double* a, const double* b, double* y);

// The largest extent that these products take.
inline constexpr std::int64_t kGemmMaxExtent = INT32_MAX;

// The processor family that OpenBLAS's kernels in use are written for: "Zen".
const char* blas_core();
// The instruction set level, an index into kIsaNames, that OpenBLAS's kernels for a processor family of this
// name are written for.
int blas_core_level(const char* core);

}  // namespace keel::kernels
