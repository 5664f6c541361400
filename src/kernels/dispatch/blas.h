// Matrix products by OpenBLAS.
#pragma once

#include "kernels/gemm.h"

namespace keel::kernels {

// Whether OpenBLAS is the one to ask: for products so large that how the caches are used decides, if its
// kernels use vectors as wide as ours. Versions older than the processor fall back on narrower ones.
bool blas_is_faster(const GemmSizes& sizes);

// y = op(a) op(b).   writes y
void blas_gemm(const GemmSizes& sizes, const float* a, const float* b, float* y);
void blas_gemm(const GemmSizes& sizes, const double* a, const double* b, double* y);

// The largest extent that these products take.
inline constexpr Index kGemmMaxExtent = INT32_MAX;

// The processor family that OpenBLAS's kernels in use are written for: "Zen".
const char* blas_core();
// The instruction set level, an index into kIsaNames, that OpenBLAS's kernels for a processor family of this
// name are written for.
int blas_core_level(const char* core);

}  // namespace keel::kernels
