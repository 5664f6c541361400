#include "kernels/optimizer.h"

#include "kernels/parallel.h"

namespace keel::kernels::KEEL_ISA {
namespace {

constexpr Index kChunk = 8192;  // elements: some microseconds, so that handing out chunks costs little

inline float square_root(float x) { return __builtin_sqrtf(x); }
inline double square_root(double x) { return __builtin_sqrt(x); }

template <class T>
void adam_update_kernel(const AdamStep& step, T* p_all, T* m_all, T* v_all, const T* g_all, Index n) {
  const T beta1 = static_cast<T>(step.beta1), keep1 = static_cast<T>(1 - step.beta1);
  const T beta2 = static_cast<T>(step.beta2), keep2 = static_cast<T>(1 - step.beta2);
  const T l2 = static_cast<T>(step.l2), shrink = static_cast<T>(step.shrink);
  const T step_size = static_cast<T>(step.step_size), epsilon = static_cast<T>(step.epsilon);
  const T v_correction = static_cast<T>(step.v_correction);
  const double work = 4.0 * static_cast<double>(n);
  for_chunks(n, kChunk, work, [=](Index begin, Index end, Index) {
    T* __restrict p = p_all;
    T* __restrict m = m_all;
    T* __restrict v = v_all;
    const T* __restrict g = g_all;
    for (Index i = begin; i < end; ++i) {
      const T pi = shrink * p[i];
      const T gi = g[i] + l2 * pi;
      const T mi = beta1 * m[i] + keep1 * gi;
      const T vi = beta2 * v[i] + keep2 * (gi * gi);
      m[i] = mi;
      v[i] = vi;
      p[i] = pi - step_size * (mi / (square_root(vi) * v_correction + epsilon));
    }
  });
}

template <class T>
void sgd_update_kernel(const SgdStep& step, T* p_all, T* u_all, const T* g_all, Index n) {
  const T learning_rate = static_cast<T>(step.learning_rate), momentum = static_cast<T>(step.momentum);
  const T l2 = static_cast<T>(step.l2);
  const bool nesterov = step.nesterov;
  const double work = 2.0 * static_cast<double>(n);
  for_chunks(n, kChunk, work, [=](Index begin, Index end, Index) {
    T* __restrict p = p_all;
    T* __restrict u = u_all;
    const T* __restrict g = g_all;
    if (u == nullptr) {
      for (Index i = begin; i < end; ++i) p[i] -= learning_rate * (g[i] + l2 * p[i]);
      return;
    }
    for (Index i = begin; i < end; ++i) {
      const T gi = g[i] + l2 * p[i];
      const T ui = momentum * u[i] + gi;
      u[i] = ui;
      p[i] -= learning_rate * (nesterov ? gi + momentum * ui : ui);
    }
  });
}

}  // namespace

const Entry<AdamUpdateKernel> adam_update = {adam_update_kernel<float>, adam_update_kernel<double>};
const Entry<SgdUpdateKernel> sgd_update = {sgd_update_kernel<float>, sgd_update_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
