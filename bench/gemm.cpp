// Matrix products by Keel's own kernel and by OpenBLAS, side by side: which of them an operation asks is
// decided by their size.
#include "kernels/gemm.h"

#include <fmt/format.h>

#include "kernels/dispatch/blas.h"
#include "operation.h"

namespace keel::bench {
namespace {

struct Operands {
  explicit Operands(const kernels::GemmSizes& s)
      : a(random_tensor({s.m * s.k})), b(random_tensor({s.k * s.n})), y(Tensor::empty({s.m * s.n})) {}

  Tensor a, b, y;
};

Work work_of(const kernels::GemmSizes& s) { return {.flops = 2.0 * static_cast<double>(s.m * s.n * s.k)}; }

void run_own(benchmark::State& state, const kernels::GemmSizes& s, int threads) {
  Operands o(s);
  Tensor packed = Tensor::empty({kernels::gemm_packed_elements<float>(s)});
  measure(state, threads, work_of(s), [&] {
    kernels::gemm(o.a.data<float>(), o.b.data<float>(), static_cast<const float*>(nullptr), o.y.data<float>(),
                  packed.data<float>(), s, false);
  });
}

void run_blas(benchmark::State& state, const kernels::GemmSizes& s, int threads) {
  Operands o(s);
  measure(state, threads, work_of(s), [&] {
    kernels::blas_gemm({s.m, s.n, s.k, s.transpose_a, s.transpose_b}, o.a.data<float>(), o.b.data<float>(),
                       o.y.data<float>());
  });
}

void add() {
  for_threads([](int threads) {
    // Forward, input gradient and weight gradient of the mlp's dense layer; and squares.
    for (const kernels::GemmSizes& s : {kernels::GemmSizes{32, 128, 784, false, false},
                                        {128, 128, 784, false, false},
                                        {128, 784, 128, false, true},
                                        {784, 128, 128, true, false},
                                        {512, 512, 512, false, false},
                                        {1024, 1024, 1024, false, false}}) {
      const auto name = [&](const char* kernel) {
        return fmt::format("kernel/{}_{}{}/{}x{}x{}/threads:{}", kernel, s.transpose_a ? "t" : "n",
                           s.transpose_b ? "t" : "n", s.m, s.n, s.k, threads);
      };
      add_benchmark(name("gemm"), Clock::wall, [=](benchmark::State& state) { run_own(state, s, threads); });
      add_benchmark(name("blas_gemm"), Clock::wall,
                    [=](benchmark::State& state) { run_blas(state, s, threads); });
    }
  });
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
