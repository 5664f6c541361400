#include "keel/ops/batch_norm.h"

#include <cmath>

#include "keel/core/tensor_ops.h"
#include "kernels/batch_norm.h"

namespace keel {
namespace {

// Per-channel numbers of one batch, in double: mean and variance, or the two sums of the gradient.
struct PerChannel {
  explicit PerChannel(Index channels)
      : first(Tensor::empty({channels}, DType::float64)), second(Tensor::empty({channels}, DType::float64)) {}
  Tensor first, second;
};

Tensor partials(Index rows, Index channels) {
  return Tensor::empty({kernels::batch_norm_partials(rows, channels)}, DType::float64);
}

// y = (x - centre) scale + shift, each a row of one tensor [3, channels].
template <class T>
kernels::ChannelMaps<T> maps_in(Tensor& rows) {
  T* data = rows.data<T>();
  return {data, data + rows.size(1), data + 2 * rows.size(1)};
}

Tensor channel_maps(const PerChannel& statistics, const Variable& gamma, const Variable& beta, double epsilon,
                    DType dtype) {
  const Index channels = statistics.first.numel();
  Tensor maps = Tensor::empty({3, channels}, dtype);
  dispatch_floating("batch_norm", dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::channel_maps(statistics.first.data<double>(), statistics.second.data<double>(),
                          gamma.defined() ? gamma.value().data<T>() : nullptr,
                          beta.defined() ? beta.value().data<T>() : nullptr, epsilon, maps_in<T>(maps),
                          channels);
  });
  return maps;
}

Tensor normalize(const Tensor& x, Tensor maps) {
  Tensor y = Tensor::like(x);
  dispatch_floating("batch_norm", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Index channels = maps.size(1);
    kernels::normalize(x.data<T>(), maps_in<T>(maps), y.data<T>(), x.numel() / channels, channels);
  });
  return y;
}

void check_operands(const Variable& x, const Variable& gamma, const Variable& beta, double epsilon) {
  check<ShapeError>(x.shape().rank() >= 2,
                    "[batch_norm] expected an input [...,C] with at least two axes, found {}", x.shape());
  check<ShapeError>(x.shape()[-1] > 0, "[batch_norm] expected at least one channel, found {}", x.shape());
  const Shape channels{x.shape()[-1]};
  for (const auto& [name, parameter] : {std::pair("gamma", &gamma), std::pair("beta", &beta)}) {
    if (!parameter->defined()) continue;
    check<ShapeError>(parameter->shape() == channels,
                      "[batch_norm] input {} expects {} of shape {}, found {}", x.shape(), name, channels,
                      parameter->shape());
    check<DTypeError>(parameter->dtype() == x.dtype(), "[batch_norm] expected {} elements in {}, found {}",
                      name_of(x.dtype()), name, name_of(parameter->dtype()));
  }
  check<ValueError>(epsilon > 0 && std::isfinite(epsilon), "[batch_norm] expected epsilon > 0, found {}",
                    epsilon);
  dispatch_floating("batch_norm", x.dtype(), [&](auto zero) {
    check<ValueError>(static_cast<decltype(zero)>(epsilon) > 0, "[batch_norm] epsilon {} is 0 in {}", epsilon,
                      name_of(x.dtype()));
  });
}

std::vector<Variable> inputs_of(const Variable& x, const Variable& gamma, const Variable& beta) {
  std::vector<Variable> inputs = {x};
  if (gamma.defined()) inputs.push_back(gamma);
  if (beta.defined()) inputs.push_back(beta);
  return inputs;
}

// What both modes do backwards. `standard` are the maps to xhat; gamma is undefined for 1. In training mode
// the statistics depend on x as well, which gives the two terms that subtract means.
GradientFunction gradient(const Variable& x, const Variable& gamma, const Variable& beta,
                          const Tensor& standard, bool training) {
  return [vx = x.value(), vgamma = gamma.defined() ? gamma.value() : Tensor(), has_beta = beta.defined(),
          standard, training](const Tensor& dy, Gradients& gradients) {
    const Index channels = standard.size(1), rows = vx.numel() / channels;
    const std::size_t gamma_input = 1, beta_input = vgamma.defined() ? 2 : 1;
    const bool wants_gamma = vgamma.defined() && gradients.wants(gamma_input);
    const bool wants_beta = has_beta && gradients.wants(beta_input);
    dispatch_floating("batch_norm", dy.dtype(), [&](auto zero) {
      using T = decltype(zero);
      Tensor maps = standard;
      PerChannel sums(channels);
      if (training || wants_gamma || wants_beta) {
        Tensor partial = partials(rows, channels);
        kernels::batch_norm_sums(vx.data<T>(), dy.data<T>(), maps_in<T>(maps), partial.data<double>(),
                                 sums.first.data<double>(), sums.second.data<double>(), rows, channels);
      }
      if (wants_gamma) gradients.add(gamma_input, sums.second.to(dy.dtype()));
      if (wants_beta) gradients.add(beta_input, sums.first.to(dy.dtype()));
      if (!gradients.wants(0)) return;
      // factor = gamma / sqrt(variance + epsilon), a = mean(dy), b = mean(dy xhat): gamma factors out of the
      // means.
      const double scale = training ? 1 / static_cast<double>(rows) : 0;
      const Tensor means_dy =
          training ? affine(sums.first, scale, 0).to(dy.dtype()) : Tensor::zeros({channels}, dy.dtype());
      const Tensor means_dy_xhat = training ? affine(sums.second, scale, 0).to(dy.dtype()) : means_dy;
      const Tensor inverse_deviation = maps.rows(1, 2).reshape({channels});
      const Tensor factor = vgamma.defined() ? multiply(inverse_deviation, vgamma) : inverse_deviation;
      Tensor& dx = gradients.add_to(0);
      kernels::batch_norm_gradient(
          vx.data<T>(), dy.data<T>(), maps_in<T>(maps),
          kernels::BatchNormGradient<T>{factor.data<T>(), means_dy.data<T>(), means_dy_xhat.data<T>()},
          dx.data<T>(), rows, channels);
    });
  };
}

Variable normalized(const char* operation, const Variable& x, const Variable& gamma, const Variable& beta,
                    const PerChannel& statistics, double epsilon, bool training) {
  const Tensor y = normalize(x.value(), channel_maps(statistics, gamma, beta, epsilon, x.dtype()));
  const Tensor standard = channel_maps(statistics, Variable(), Variable(), epsilon, x.dtype());
  return Variable::from_op(operation, y, inputs_of(x, gamma, beta),
                           gradient(x, gamma, beta, standard, training));
}

}  // namespace

BatchNormResult batch_norm(const Variable& x, const Variable& gamma, const Variable& beta, double epsilon) {
  check_operands(x, gamma, beta, epsilon);
  const Index channels = x.shape()[-1], rows = x.value().numel() / channels;
  check<ValueError>(rows > 0, "[batch_norm] expected at least one row, found {}", x.shape());
  PerChannel statistics(channels);
  Tensor partial = partials(rows, channels);
  dispatch_floating("batch_norm", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::column_statistics(x.value().data<T>(), partial.data<double>(), statistics.first.data<double>(),
                               statistics.second.data<double>(), rows, channels);
  });
  return {normalized("batch_norm", x, gamma, beta, statistics, epsilon, true),
          {statistics.first.to(x.dtype()), statistics.second.to(x.dtype())}};
}

Variable batch_norm_inference(const Variable& x, const Variable& gamma, const Variable& beta,
                              const BatchStatistics& given, double epsilon) {
  check_operands(x, gamma, beta, epsilon);
  const Shape channels{x.shape()[-1]};
  check<ShapeError>(given.mean.shape() == channels && given.variance.shape() == channels,
                    "[batch_norm] input {} expects mean and variance of shape {}, found {} and {}", x.shape(),
                    channels, given.mean.shape(), given.variance.shape());
  PerChannel statistics(channels[0]);
  statistics.first = given.mean.to(DType::float64);
  statistics.second = given.variance.to(DType::float64);
  for (Index c = 0; c < channels[0]; ++c) {
    const double variance = statistics.second.data<double>()[c];
    check<ValueError>(variance >= 0, "[batch_norm] expected variances of at least 0, found {} in channel {}",
                      variance, c);
  }
  return normalized("batch_norm_inference", x, gamma, beta, statistics, epsilon, false);
}

}  // namespace keel
