#include "kernels/lstm.h"

#include "kernels/recurrent_rows.h"
#include "kernels/squash.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// Operations an element takes.
constexpr double kCellCost = 12;
constexpr double kHiddenCost = 8;
constexpr double kGradientCost = 4;

template <class T>
void lstm_cell_kernel(const T* z, const T* c, T* gates, T* next, Index rows, Index units) {
  over_rows(rows, units, kCellCost, [=](Index r) {
    const T* __restrict zr = z + r * 4 * units;
    const T* __restrict cr = c + r * units;
    T* __restrict to = gates + r * 3 * units;
    T* __restrict nr = next + r * units;
    // Three loops, as compilers make no vectors of one with so many arrays.
    for (Index u = 0; u < 2 * units; ++u) to[u] = logistic(zr[u]);
    for (Index u = 2 * units; u < 3 * units; ++u) to[u] = hyperbolic_tangent(zr[u]);
    for (Index u = 0; u < units; ++u) nr[u] = to[units + u] * cr[u] + to[u] * to[2 * units + u];
  });
}

template <class T>
void lstm_cell_gradient_kernel(const T* gates, const T* c, const T* dnext, T* dz, T* dc, Index rows,
                               Index units) {
  over_rows(rows, units, kGradientCost, [=](Index r) {
    const T* __restrict i = gates + r * 3 * units;
    const T* __restrict f = i + units;
    const T* __restrict g = f + units;
    const T* __restrict cr = c + r * units;
    const T* __restrict d = dnext + r * units;
    if (dz != nullptr) {
      T* __restrict to = dz + r * 4 * units;
      for (Index u = 0; u < units; ++u) {
        to[u] += d[u] * g[u] * i[u] * (1 - i[u]);
        to[units + u] += d[u] * cr[u] * f[u] * (1 - f[u]);
        to[2 * units + u] += d[u] * i[u] * (1 - g[u] * g[u]);
      }
    }
    if (dc != nullptr) {
      T* __restrict to = dc + r * units;
      for (Index u = 0; u < units; ++u) to[u] += d[u] * f[u];
    }
  });
}

template <class T>
void lstm_hidden_kernel(const T* z, const T* c, T* output, T* tanh_c, T* h, Index rows, Index units) {
  over_rows(rows, units, kHiddenCost, [=](Index r) {
    const T* __restrict zr = z + r * 4 * units + 3 * units;
    const T* __restrict cr = c + r * units;
    T* __restrict to_output = output + r * units;
    T* __restrict to_tanh = tanh_c + r * units;
    T* __restrict to = h + r * units;
    for (Index u = 0; u < units; ++u) {
      const T o = logistic(zr[u]), t = hyperbolic_tangent(cr[u]);
      to_output[u] = o;
      to_tanh[u] = t;
      to[u] = o * t;
    }
  });
}

template <class T>
void lstm_hidden_gradient_kernel(const T* output, const T* tanh_c, const T* dh, T* dz, T* dc, Index rows,
                                 Index units) {
  over_rows(rows, units, kGradientCost, [=](Index r) {
    const T* __restrict o = output + r * units;
    const T* __restrict t = tanh_c + r * units;
    const T* __restrict d = dh + r * units;
    if (dz != nullptr) {
      T* __restrict to = dz + r * 4 * units + 3 * units;
      for (Index u = 0; u < units; ++u) to[u] += d[u] * t[u] * o[u] * (1 - o[u]);
    }
    if (dc != nullptr) {
      T* __restrict to = dc + r * units;
      for (Index u = 0; u < units; ++u) to[u] += d[u] * o[u] * (1 - t[u] * t[u]);
    }
  });
}

}  // namespace

const Entry<LstmCellKernel> lstm_cell = {lstm_cell_kernel<float>, lstm_cell_kernel<double>};
const Entry<LstmCellGradientKernel> lstm_cell_gradient = {lstm_cell_gradient_kernel<float>,
                                                          lstm_cell_gradient_kernel<double>};
const Entry<LstmHiddenKernel> lstm_hidden = {lstm_hidden_kernel<float>, lstm_hidden_kernel<double>};
const Entry<LstmHiddenGradientKernel> lstm_hidden_gradient = {lstm_hidden_gradient_kernel<float>,
                                                              lstm_hidden_gradient_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
