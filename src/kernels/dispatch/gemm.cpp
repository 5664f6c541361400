#include "kernels/dispatch/gemm.h"

#include <cblas.h>
#include <omp.h>

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
               float beta, float* y, int ldy) {
  const OneBlasThread one;
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, 1, a,
              lda, b, ldb, beta, y, ldy);
}

void call_blas(bool ta, bool tb, int m, int n, int k, const double* a, int lda, const double* b, int ldb,
               double beta, double* y, int ldy) {
  const OneBlasThread one;
  cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, 1, a,
              lda, b, ldb, beta, y, ldy);
}

// Multiplications and additions below which a product is not cut into blocks for several threads.
constexpr double kWorthCutting = 4e6;
constexpr std::int64_t kBlocks = 8;
constexpr std::int64_t kSmallestBlock = 64;

template <class T>
struct Product {
  std::int64_t m, n, k;
  const T* a;
  const T* b;
  T* y;
  GemmOptions options;
  std::int64_t block;
  bool cut_rows;

  // Block i of the rows, or of the columns, of y.
  void run(std::int64_t i) const {
    const std::int64_t begin = i * block;
    const std::int64_t end_of_all = cut_rows ? m : n;
    const std::int64_t size = begin + block < end_of_all ? block : end_of_all - begin;
    const std::int64_t lda = options.transpose_a ? m : k;
    const std::int64_t ldb = options.transpose_b ? k : n;
    const T* a_block = cut_rows ? a + (options.transpose_a ? begin : begin * lda) : a;
    const T* b_block = cut_rows ? b : b + (options.transpose_b ? begin * ldb : begin);
    T* y_block = cut_rows ? y + begin * n : y + begin;
    call_blas(options.transpose_a, options.transpose_b, static_cast<int>(cut_rows ? size : m),
              static_cast<int>(cut_rows ? n : size), static_cast<int>(k), a_block, static_cast<int>(lda),
              b_block, static_cast<int>(ldb), static_cast<T>(options.scale_y), y_block, static_cast<int>(n));
  }
};

template <class T>
void gemm_in_blocks(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, const T* b, T* y,
                    const GemmOptions& options) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (options.scale_y == 0) {
      for (std::int64_t i = 0; i < m * n; ++i) y[i] = 0;
    }
    return;
  }
  Product<T> product{m, n, k, a, b, y, options, 0, m >= n};
  const std::int64_t longer = product.cut_rows ? m : n;
  const bool cut = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) >= kWorthCutting;
  product.block = longer;
  if (cut) {
    const std::int64_t even = (longer + kBlocks - 1) / kBlocks;
    product.block = even > kSmallestBlock ? even : kSmallestBlock;
  }
  for_each_chunk((longer + product.block - 1) / product.block, cut, &product,
                 [](void* context, std::int64_t i) { static_cast<const Product<T>*>(context)->run(i); });
}

}  // namespace

void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b, float* y,
          const GemmOptions& options) {
  gemm_in_blocks(m, n, k, a, b, y, options);
}

void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const double* a, const double* b, double* y,
          const GemmOptions& options) {
  gemm_in_blocks(m, n, k, a, b, y, options);
}

}  // namespace keel::kernels
