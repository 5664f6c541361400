#include "keel/ops/full_norm.h"

#include <cmath>

#include "ops/channel_maps.h"
#include "ops/check_epsilon.h"

namespace keel {
namespace {

struct Moving {
  Tensor mean, variance;  // float64
  MomentGradients averages;
  double alpha, epsilon;
};

// From the sums to what the kernel for dx takes: dx = scale (dy + (x - centre) slope + offset), scale = rho.
template <class T>
void update_terms(Moving& moving, const kernels::ChannelMaps<T>& maps,
                  const kernels::BatchNormTerms<T>& terms, Index rows, Index channels) {
  T* const mean_average = moving.averages.mean.data<T>();
  T* const second_average = moving.averages.second_moment.data<T>();
  const auto moved = [&](T old, double now) {
    return (1 - moving.alpha) * static_cast<double>(old) + moving.alpha * now;
  };
  for (Index c = 0; c < channels; ++c) {
    const double mean = moving.mean.data<double>()[c];
    const double rho = 1 / std::sqrt(moving.variance.data<double>()[c] + moving.epsilon);
    const double of_second = -0.5 * rho * rho * static_cast<double>(terms.sum_d_xhat[c]);
    const double of_mean = -rho * static_cast<double>(terms.sum_d[c]) - 2 * mean * of_second;
    const double second = moved(second_average[c], of_second), first = moved(mean_average[c], of_mean);
    second_average[c] = static_cast<T>(second);
    mean_average[c] = static_cast<T>(first);
    const double share = 1 / (static_cast<double>(rows) * rho);
    terms.slope[c] = static_cast<T>(2 * second * share);
    terms.offset[c] = static_cast<T>((first + 2 * static_cast<double>(maps.centre[c]) * second) * share);
  }
  for (Index i = 0; i < kernels::kBatchNormPad; ++i) {
    terms.slope[channels + i] = terms.slope[i % channels];
    terms.offset[channels + i] = terms.offset[i % channels];
  }
}

// A variance that is NaN passes, as it does in batch_norm(): x was not finite, and so y shall not be.
void check_operands(const Variable& x, const Moving& moving) {
  check<ShapeError>(x.shape().rank() >= 2 && x.shape()[-1] > 0,
                    "[full_norm] expected an input [...,C] with at least two axes and one channel, found {}",
                    x.shape());
  const Shape channels{x.shape()[-1]};
  check<ShapeError>(moving.mean.shape() == channels && moving.variance.shape() == channels,
                    "[full_norm] input {} expects mean and variance of shape {}, found {} and {}", x.shape(),
                    channels, moving.mean.shape(), moving.variance.shape());
  for (Index c = 0; c < channels[0]; ++c) {
    const double value = moving.variance.data<double>()[c];
    check<ValueError>(!(value < 0), "[full_norm] expected variances of at least 0, found {} in channel {}",
                      value, c);
  }
  for (const Tensor* average : {&moving.averages.mean, &moving.averages.second_moment}) {
    check<ShapeError>(average->shape() == channels,
                      "[full_norm] input {} expects averages of shape {}, found {}", x.shape(), channels,
                      average->shape());
    check<DTypeError>(average->dtype() == x.dtype(), "[full_norm] expected averages of {}, found {}",
                      name_of(x.dtype()), name_of(average->dtype()));
  }
  check<ValueError>(moving.alpha > 0 && moving.alpha <= 1, "[full_norm] expected alpha in (0,1], found {}",
                    moving.alpha);
  check_epsilon("full_norm", moving.epsilon, x.dtype());
}

template <class T>
kernels::ChannelMaps<T> maps_of(const Moving& moving, Tensor& room, Index channels) {
  const kernels::ChannelMaps<T> maps = maps_in<T>(room);
  kernels::channel_maps(moving.mean.data<double>(), moving.variance.data<double>(),
                        static_cast<const T*>(nullptr), static_cast<const T*>(nullptr), moving.epsilon, maps,
                        channels);
  return maps;
}

}  // namespace

Variable full_norm(const Variable& x, const Tensor& mean, const Tensor& variance,
                   const MomentGradients& averages, double alpha, double epsilon) {
  Moving moving{mean.to(DType::float64).clone(), variance.to(DType::float64).clone(), averages, alpha,
                epsilon};
  check_operands(x, moving);
  const Index channels = x.shape()[-1];
  Tensor y = Tensor::like(x.value()), own = channel_rows(5, channels, x.dtype());
  dispatch_floating("full_norm", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::normalize(x.value().data<T>(), maps_of<T>(moving, own, channels), false, y.data<T>(),
                       y.numel() / channels, channels);
  });
  return Variable::from_op(
      "full_norm", std::move(y), {x},
      [vx = x.value(), moving, channels](const Tensor& dy, Gradients& gradients) mutable {
        const Index rows = vx.numel() / channels;
        if (rows == 0) return;
        Tensor room = channel_rows(9, channels, vx.dtype());
        Tensor partial = Tensor::empty({kernels::batch_norm_partials(rows, channels)}, DType::float64);
        Tensor dx = Tensor::like(vx);
        dispatch_floating("full_norm", vx.dtype(), [&](auto zero) {
          using T = decltype(zero);
          const kernels::ChannelMaps<T> maps = maps_of<T>(moving, room, channels);
          T* const behind = room.data<T>() + 5 * room.size(1);
          const kernels::BatchNormTerms<T> terms{behind, behind + room.size(1), behind + 2 * room.size(1),
                                                 behind + 3 * room.size(1)};
          kernels::batch_norm_sums(vx.data<T>(), dy.data<T>(), maps, false, partial.data<double>(), terms,
                                   rows, channels);
          update_terms(moving, maps, terms, rows, channels);
          kernels::batch_norm_gradient(vx.data<T>(), dy.data<T>(), maps, false, terms, dx.data<T>(), rows,
                                       channels);
        });
        gradients.add(0, std::move(dx));
      });
}

}  // namespace keel
