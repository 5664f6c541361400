#include "kernels/scatter_rows.h"

#include "kernels/parallel.h"

namespace keel::kernels::KEEL_ISA {
namespace {

constexpr Index kColumns = 64;

// A thread has some of the columns and all rows, so each sum keeps one order.
template <class T>
void scatter_rows_kernel(const T* x, const std::int32_t* rows, std::int32_t skip, T* y, Index n,
                         Index columns) {
  for_chunks(columns, kColumns, static_cast<double>(n) * static_cast<double>(columns),
             [&](Index begin, Index end, Index) {
               for (Index i = 0; i < n; ++i) {
                 if (rows[i] == skip) continue;
                 const T* const from = x + i * columns;
                 T* const to = y + rows[i] * columns;
#pragma omp simd
                 for (Index c = begin; c < end; ++c) to[c] += from[c];
               }
             });
}

}  // namespace

const Entry<ScatterRowsKernel> scatter_rows = {scatter_rows_kernel<float>, scatter_rows_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
