#include "kernels/dispatch/blas.h"

#include <cblas.h>
#include <omp.h>

#include <cstring>

#include "kernels/dispatch/isa.h"
#include "kernels/dispatch/threads.h"

namespace keel::kernels {
namespace {

// OpenBLAS sums in another order when it uses more threads. So it gets one, and the result is cut into blocks
// here.
class OneBlasThread {
 public:
  OneBlasThread() {
    static const int parallel = openblas_get_parallel();  // 0: serial, 1: own threads, 2: OpenMP
    static const bool own_threads_off = [] {
      if (parallel == 1) openblas_set_num_threads(1);
      return true;
    }();
    (void)own_threads_off;
    // The OpenMP build asks OpenMP how many threads to use, unless it runs inside a parallel region.
    if (parallel == 2 && !omp_in_parallel()) {
      previous_ = omp_get_max_threads();
      omp_set_num_threads(1);
    }
  }
  ~OneBlasThread() {
    if (previous_ > 0) omp_set_num_threads(previous_);
  }
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;

 private:
  int previous_ = 0;
};

void call_blas(bool ta, bool tb, int m, int n, int k, const float* a, int lda, const float* b, int ldb,
               float* y, int ldy) {
  const OneBlasThread one;
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, 1, a,
              lda, b, ldb, 0, y, ldy);
}

void call_blas(bool ta, bool tb, int m, int n, int k, const double* a, int lda, const double* b, int ldb,
               double* y, int ldy) {
  const OneBlasThread one;
  cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, 1, a,
              lda, b, ldb, 0, y, ldy);
}

// Multiplications and additions from which on OpenBLAS was measured to be ahead.
constexpr double kLargeProduct = 1 << 28;
constexpr std::int64_t kBlocks = 8;
constexpr std::int64_t kSmallestBlock = 64;

template <class T>
struct Blocks {
  GemmSizes sizes;
  const T* a;
  const T* b;
  T* y;
  std::int64_t block;
  bool cut_rows;

  // Block i of the rows, or of the columns, of y.
  void run(std::int64_t i) const {
    const auto& [m, n, k, transpose_a, transpose_b] = sizes;
    const std::int64_t begin = i * block;
    const std::int64_t end_of_all = cut_rows ? m : n;
    const std::int64_t size = begin + block < end_of_all ? block : end_of_all - begin;
    const std::int64_t lda = transpose_a ? m : k;
    const std::int64_t ldb = transpose_b ? k : n;
    const T* a_block = cut_rows ? a + (transpose_a ? begin : begin * lda) : a;
    const T* b_block = cut_rows ? b : b + (transpose_b ? begin * ldb : begin);
    T* y_block = cut_rows ? y + begin * n : y + begin;
    call_blas(transpose_a, transpose_b, static_cast<int>(cut_rows ? size : m),
              static_cast<int>(cut_rows ? n : size), static_cast<int>(k), a_block, static_cast<int>(lda),
              b_block, static_cast<int>(ldb), y_block, static_cast<int>(n));
  }
};

template <class T>
void gemm_in_blocks(const GemmSizes& sizes, const T* a, const T* b, T* y) {
  const auto& [m, n, k, transpose_a, transpose_b] = sizes;
  if (m == 0 || n == 0) return;
  if (k == 0) {
    for (std::int64_t i = 0; i < m * n; ++i) y[i] = 0;
    return;
  }
  Blocks<T> blocks{sizes, a, b, y, 0, m >= n};
  const std::int64_t longer = blocks.cut_rows ? m : n;
  const std::int64_t even = (longer + kBlocks - 1) / kBlocks;
  blocks.block = even > kSmallestBlock ? even : kSmallestBlock;
  for_each_chunk((longer + blocks.block - 1) / blocks.block, num_threads(), &blocks,
                 [](void* context, std::int64_t i) { static_cast<const Blocks<T>*>(context)->run(i); });
}

}  // namespace

const char* blas_core() { return openblas_get_corename(); }

int blas_core_level(const char* core) {
#ifdef __x86_64__
  constexpr const char* kWithAvx512[] = {"SkylakeX", "Cooperlake", "Sapphirerapids"};
  constexpr const char* kWithAvx2[] = {"Haswell", "Zen", "Excavator"};
  for (const char* name : kWithAvx512) {
    if (std::strcmp(core, name) == 0) return 2;
  }
  for (const char* name : kWithAvx2) {
    if (std::strcmp(core, name) == 0) return 1;
  }
#else
  (void)core;
#endif
  return 0;
}

bool blas_is_faster(const GemmSizes& sizes) {
  static const int level = blas_core_level(blas_core());
  return level >= isa_level() &&
         static_cast<double>(sizes.m) * static_cast<double>(sizes.n) * static_cast<double>(sizes.k) >=
             kLargeProduct;
}

void blas_gemm(const GemmSizes& sizes, const float* a, const float* b, float* y) {
  gemm_in_blocks(sizes, a, b, y);
}

void blas_gemm(const GemmSizes& sizes, const double* a, const double* b, double* y) {
  gemm_in_blocks(sizes, a, b, y);
}

}  // namespace keel::kernels
