#include "kernels/optimizer.h"

#include "kernels/parallel.h"

namespace keel::kernels::KEEL_ISA {
namespace {

constexpr Index kChunk = 8192;  // elements: some microseconds, so that handing out chunks costs little
// Operations an element takes.
constexpr double kAdamCost = 4;
constexpr double kSgdCost = 2;

// f(segment, begin, end) for pieces of all segments, in one parallel loop.
template <class Segment, class F>
void over_segments(const Segment* segments, Index count, double cost, const F& f) {
  Index chunks = 0, elements = 0;
  for (Index s = 0; s < count; ++s) {
    chunks += num_chunks(segments[s].n, kChunk);
    elements += segments[s].n;
  }
  for_chunks(chunks, 1, static_cast<double>(elements) * cost, [=](Index chunk, Index, Index) {
    const Segment* segment = segments;
    for (; chunk >= num_chunks(segment->n, kChunk); ++segment) chunk -= num_chunks(segment->n, kChunk);
    const Index begin = chunk * kChunk;
    f(*segment, begin, begin + kChunk < segment->n ? begin + kChunk : segment->n);
  });
}

inline float square_root(float x) { return __builtin_sqrtf(x); }
inline double square_root(double x) { return __builtin_sqrt(x); }

inline std::int32_t bits_of(float x) { return __builtin_bit_cast(std::int32_t, x); }
inline std::int64_t bits_of(double x) { return __builtin_bit_cast(std::int64_t, x); }

// x, or 0 if it is below the smallest normal number; NaN stays NaN. Magnitudes are ordered like their bits,
// and arithmetic on integers leaves those units alone that the square root and the division keep busy.
template <class T>
inline T flushed(T x) {
  using Int = decltype(bits_of(x));
  constexpr int kSign = 8 * sizeof(T) - 1;
  constexpr Int kSmallestNormal = Int{1} << (sizeof(T) == 4 ? 23 : 52);
  const Int magnitude = bits_of(x) & ~(Int{1} << kSign);
  const Int all_ones_if_normal = (kSmallestNormal - 1 - magnitude) >> kSign;
  return __builtin_bit_cast(T, bits_of(x) & all_ones_if_normal);
}

template <class T>
void adam_update_kernel(const AdamSegment<T>* segments, Index count) {
  over_segments(segments, count, kAdamCost, [](const AdamSegment<T>& segment, Index begin, Index end) {
    const AdamStep& step = segment.step;
    const T beta1 = static_cast<T>(step.beta1), keep1 = static_cast<T>(1 - step.beta1);
    const T beta2 = static_cast<T>(step.beta2), keep2 = static_cast<T>(1 - step.beta2);
    const T l2 = static_cast<T>(step.l2), shrink = static_cast<T>(step.shrink);
    const T step_size = static_cast<T>(step.step_size), epsilon = static_cast<T>(step.epsilon);
    const T v_correction = static_cast<T>(step.v_correction);
    T* __restrict p = segment.p;
    T* __restrict m = segment.m;
    T* __restrict v = segment.v;
    const T* __restrict g = segment.g;
    for (Index i = begin; i < end; ++i) {
      const T pi = shrink * p[i];
      const T gi = g[i] + l2 * pi;
      const T mi = flushed(beta1 * m[i] + keep1 * gi);
      const T vi = flushed(beta2 * v[i] + keep2 * (gi * gi));
      m[i] = mi;
      v[i] = vi;
      p[i] = pi - step_size * (mi / (square_root(vi) * v_correction + epsilon));
    }
  });
}

template <class T>
void sgd_update_kernel(const SgdSegment<T>* segments, Index count) {
  over_segments(segments, count, kSgdCost, [](const SgdSegment<T>& segment, Index begin, Index end) {
    const SgdStep& step = segment.step;
    const T learning_rate = static_cast<T>(step.learning_rate), momentum = static_cast<T>(step.momentum);
    const T l2 = static_cast<T>(step.l2);
    const bool nesterov = step.nesterov;
    T* __restrict p = segment.p;
    T* __restrict u = segment.u;
    const T* __restrict g = segment.g;
    if (u == nullptr) {
      for (Index i = begin; i < end; ++i) p[i] -= learning_rate * (g[i] + l2 * p[i]);
      return;
    }
    for (Index i = begin; i < end; ++i) {
      const T gi = g[i] + l2 * p[i];
      const T ui = flushed(momentum * u[i] + gi);
      u[i] = ui;
      p[i] -= learning_rate * (nesterov ? gi + momentum * ui : ui);
    }
  });
}

template <class T>
void rmsprop_update_kernel(const RmsPropSegment<T>* segments, Index count) {
  over_segments(segments, count, kAdamCost, [](const RmsPropSegment<T>& segment, Index begin, Index end) {
    const RmsPropStep& step = segment.step;
    const T learning_rate = static_cast<T>(step.learning_rate), epsilon = static_cast<T>(step.epsilon);
    const T alpha = static_cast<T>(step.alpha), keep = static_cast<T>(1 - step.alpha);
    const T momentum = static_cast<T>(step.momentum), l2 = static_cast<T>(step.l2);
    T* __restrict p = segment.p;
    T* __restrict v = segment.v;
    T* __restrict u = segment.u;
    const T* __restrict g = segment.g;
    for (Index i = begin; i < end; ++i) {
      const T gi = g[i] + l2 * p[i];
      const T vi = flushed(alpha * v[i] + keep * (gi * gi));
      v[i] = vi;
      T ui = gi / (square_root(vi) + epsilon);
      if (u != nullptr) {
        ui = flushed(momentum * u[i] + ui);
        u[i] = ui;
      }
      p[i] -= learning_rate * ui;
    }
  });
}

}  // namespace

const Entry<AdamUpdateKernel> adam_update = {adam_update_kernel<float>, adam_update_kernel<double>};
const Entry<SgdUpdateKernel> sgd_update = {sgd_update_kernel<float>, sgd_update_kernel<double>};
const Entry<RmsPropUpdateKernel> rmsprop_update = {rmsprop_update_kernel<float>,
                                                   rmsprop_update_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
