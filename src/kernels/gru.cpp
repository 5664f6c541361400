#include "kernels/gru.h"

#include "kernels/recurrent_rows.h"
#include "kernels/squash.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// Operations an element takes.
constexpr double kCost = 16;
constexpr double kGradientCost = 8;

template <class T>
void gru_cell_kernel(const T* a, Index a_stride, const T* b, const T* h, T* gates, T* next, Index rows,
                     Index units) {
  over_rows(rows, units, kCost, [=](Index row) {
    const T* __restrict ar = a + row * a_stride;
    const T* __restrict br = b + row * 3 * units;
    const T* __restrict hr = h + row * units;
    T* __restrict to = gates + row * 3 * units;
    T* __restrict result = next + row * units;
    // Loops of their own, as compilers make no vectors of one with so many arrays.
    for (Index i = 0; i < 2 * units; ++i) to[i] = logistic(ar[i] + br[i]);
    for (Index i = 0; i < units; ++i) {
      const Index n = 2 * units + i;
      to[n] = hyperbolic_tangent(ar[n] + to[i] * br[n]);
    }
    for (Index i = 0; i < units; ++i) {
      const T u = to[units + i];
      result[i] = (1 - u) * to[2 * units + i] + u * hr[i];
    }
  });
}

template <class T>
void gru_cell_gradient_kernel(const T* gates, const T* b, const T* h, const T* dnext, T* da, T* db, T* dh,
                              Index rows, Index units) {
  over_rows(rows, units, kGradientCost, [=](Index row) {
    const T* __restrict r = gates + row * 3 * units;
    const T* __restrict u = r + units;
    const T* __restrict n = u + units;
    const T* __restrict bn = b + row * 3 * units + 2 * units;
    const T* __restrict hr = h + row * units;
    const T* __restrict d = dnext + row * units;
    T* __restrict ar = da + row * 3 * units;
    T* __restrict br = db + row * 3 * units;
    for (Index i = 0; i < units; ++i) {
      const T dn = d[i] * (1 - u[i]) * (1 - n[i] * n[i]);
      ar[2 * units + i] = dn;
      br[2 * units + i] = dn * r[i];
      ar[i] = dn * bn[i] * r[i] * (1 - r[i]);
      ar[units + i] = d[i] * (hr[i] - n[i]) * u[i] * (1 - u[i]);
    }
    for (Index i = 0; i < 2 * units; ++i) br[i] = ar[i];
    if (dh != nullptr) {
      T* __restrict to = dh + row * units;
      for (Index i = 0; i < units; ++i) to[i] += d[i] * u[i];
    }
  });
}

}  // namespace

const Entry<GruCellKernel> gru_cell = {gru_cell_kernel<float>, gru_cell_kernel<double>};
const Entry<GruCellGradientKernel> gru_cell_gradient = {gru_cell_gradient_kernel<float>,
                                                        gru_cell_gradient_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
