#include "keel/ops/batch_norm.h"

#include <algorithm>
#include <optional>

#include "ops/channel_maps.h"
#include "ops/check_epsilon.h"
#include "ops/row_mask.h"

namespace keel {
namespace {

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
  check_epsilon("batch_norm", epsilon, x.dtype());
}

std::vector<Variable> inputs_of(const Variable& x, const Variable& gamma, const Variable& beta) {
  std::vector<Variable> inputs = {x};
  if (gamma.defined()) inputs.push_back(gamma);
  if (beta.defined()) inputs.push_back(beta);
  return inputs;
}

// dx of rows that do not count, on which the statistics do not depend: without the terms that subtract means.
template <class T>
void leave_out(const RowMask& mask, const Tensor& x, const Tensor& dy, Tensor& maps, bool relu, Tensor& dx) {
  const Index channels = x.size(-1);
  Tensor none = channel_rows(4, channels, x.dtype());
  none.fill(0);
  T* const zeros = none.data<T>();
  const kernels::BatchNormTerms<T> terms{zeros, zeros, zeros, zeros};
  for (const auto& [begin, end] : mask.left_out) {
    const Index at = begin * channels;
    kernels::batch_norm_gradient(x.data<T>() + at, dy.data<T>() + at, maps_in<T>(maps), relu, terms,
                                 dx.data<T>() + at, end - begin, channels);
  }
}

// What both modes do backwards. In training mode the statistics depend on x as well, which gives the two
// terms that subtract means; with a mask they are means over the rows that count, of sums over all.
GradientFunction gradient(const Variable& x, const Variable& gamma, const Variable& beta, const Tensor& maps,
                          Activation activation, bool training, const std::optional<RowMask>& mask) {
  return [vx = x.value(), has_gamma = gamma.defined(), has_beta = beta.defined(), maps = maps,
          relu = activation == Activation::relu, training,
          mask](const Tensor& dy, Gradients& gradients) mutable {
    const Index channels = vx.size(-1), rows = vx.numel() / channels;
    const std::size_t gamma_input = 1, beta_input = has_gamma ? 2 : 1;
    const bool wants_gamma = has_gamma && gradients.wants(gamma_input);
    const bool wants_beta = has_beta && gradients.wants(beta_input);
    Tensor dgamma = Tensor::empty({channels}, dy.dtype()), dbeta = Tensor::empty({channels}, dy.dtype());
    Tensor means = channel_rows(2, channels, dy.dtype());
    dispatch_floating("batch_norm", dy.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const kernels::BatchNormTerms<T> terms{dbeta.data<T>(), dgamma.data<T>(), means.data<T>(),
                                             means.data<T>() + means.size(1)};
      if (rows == 0) {
        dgamma.fill(0);
        dbeta.fill(0);
      } else if (training || wants_gamma || wants_beta) {
        Tensor partial = Tensor::empty({kernels::batch_norm_partials(rows, channels)}, DType::float64);
        kernels::batch_norm_sums(vx.data<T>(), dy.data<T>(), maps_in<T>(maps), relu, partial.data<double>(),
                                 terms, rows, channels);
      }
      if (wants_gamma) gradients.add(gamma_input, std::move(dgamma));
      if (wants_beta) gradients.add(beta_input, std::move(dbeta));
      if (!gradients.wants(0)) return;
      if (!training) means.fill(0);
      if (mask) {
        const double share = static_cast<double>(rows) / static_cast<double>(mask->counted.size());
        T* const all = means.data<T>();
        std::transform(all, all + means.numel(), all,
                       [=](T term) { return static_cast<T>(static_cast<double>(term) * share); });
      }
      Tensor dx = Tensor::like(vx);
      kernels::batch_norm_gradient(vx.data<T>(), dy.data<T>(), maps_in<T>(maps), relu, terms, dx.data<T>(),
                                   rows, channels);
      if (mask) leave_out<T>(*mask, vx, dy, maps, relu, dx);
      gradients.add(0, std::move(dx));
    });
  };
}

// Mean and variance in double, [channels] each.
struct Moments {
  const double* mean;
  const double* variance;
};

Variable normalized(const char* operation, const Variable& x, const Variable& gamma, const Variable& beta,
                    const Moments& moments, double epsilon, Activation activation, bool training,
                    const std::optional<RowMask>& mask = {}) {
  const Index channels = x.shape()[-1];
  Tensor y = Tensor::like(x.value()), maps = channel_rows(5, channels, x.dtype());
  dispatch_floating("batch_norm", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::channel_maps(moments.mean, moments.variance, gamma.defined() ? gamma.value().data<T>() : nullptr,
                          beta.defined() ? beta.value().data<T>() : nullptr, epsilon, maps_in<T>(maps),
                          channels);
    kernels::normalize(x.value().data<T>(), maps_in<T>(maps), activation == Activation::relu, y.data<T>(),
                       y.numel() / channels, channels);
  });
  return Variable::from_op(operation, std::move(y), inputs_of(x, gamma, beta),
                           gradient(x, gamma, beta, maps, activation, training, mask));
}

}  // namespace

BatchStatistics batch_statistics(const Tensor& x) {
  check<ShapeError>(x.rank() >= 2 && x.size(-1) > 0,
                    "[batch_norm] expected an input [...,C] with at least two axes and one channel, found {}",
                    x.shape());
  const Index channels = x.size(-1), rows = x.numel() / channels;
  check<ValueError>(rows > 0, "[batch_norm] expected at least one row, found {}", x.shape());
  Tensor partial = Tensor::empty({kernels::batch_norm_partials(rows, channels)}, DType::float64);
  BatchStatistics statistics{Tensor::empty({channels}, DType::float64),
                             Tensor::empty({channels}, DType::float64)};
  dispatch_floating("batch_norm", x.dtype(), [&](auto zero) {
    kernels::column_statistics(x.data<decltype(zero)>(), partial.data<double>(),
                               statistics.mean.data<double>(), statistics.variance.data<double>(), rows,
                               channels);
  });
  return statistics;
}

BatchNormResult batch_norm(const Variable& x, const Variable& gamma, const Variable& beta, double epsilon,
                           Activation activation) {
  check_operands(x, gamma, beta, epsilon);
  const BatchStatistics exact = batch_statistics(x.value());
  return {batch_norm(x, gamma, beta, exact, epsilon, activation),
          {exact.mean.to(x.dtype()), exact.variance.to(x.dtype())},
          x.value().numel() / x.shape()[-1]};
}

BatchNormResult masked_batch_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                                  const Tensor& mask, double epsilon, Activation activation) {
  check_operands(x, gamma, beta, epsilon);
  const RowMask rows = row_mask(mask, x.shape());
  const BatchStatistics exact = batch_statistics(counted_rows(x.value(), rows));
  const Moments moments{exact.mean.data<double>(), exact.variance.data<double>()};
  return {normalized("batch_norm", x, gamma, beta, moments, epsilon, activation, true, rows),
          {exact.mean.to(x.dtype()), exact.variance.to(x.dtype())},
          static_cast<Index>(rows.counted.size())};
}

Variable batch_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    const BatchStatistics& of_x, double epsilon, Activation activation) {
  check_operands(x, gamma, beta, epsilon);
  const Shape channels{x.shape()[-1]};
  check<ShapeError>(of_x.mean.shape() == channels && of_x.variance.shape() == channels,
                    "[batch_norm] input {} expects its statistics, of shape {}, found {} and {}", x.shape(),
                    channels, of_x.mean.shape(), of_x.variance.shape());
  return normalized("batch_norm", x, gamma, beta, {of_x.mean.data<double>(), of_x.variance.data<double>()},
                    epsilon, activation, true);
}

Variable batch_norm_inference(const Variable& x, const Variable& gamma, const Variable& beta,
                              const BatchStatistics& given, double epsilon, Activation activation) {
  check_operands(x, gamma, beta, epsilon);
  const Shape channels{x.shape()[-1]};
  check<ShapeError>(given.mean.shape() == channels && given.variance.shape() == channels,
                    "[batch_norm] input {} expects mean and variance of shape {}, found {} and {}", x.shape(),
                    channels, given.mean.shape(), given.variance.shape());
  const Tensor mean = given.mean.to(DType::float64), variance = given.variance.to(DType::float64);
  for (Index c = 0; c < channels[0]; ++c) {
    const double value = variance.data<double>()[c];
    check<ValueError>(value >= 0, "[batch_norm] expected variances of at least 0, found {} in channel {}",
                      value, c);
  }
  return normalized("batch_norm_inference", x, gamma, beta, {mean.data<double>(), variance.data<double>()},
                    epsilon, activation, false);
}

}  // namespace keel
