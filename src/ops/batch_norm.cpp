#include "keel/ops/batch_norm.h"

#include "ops/channel_maps.h"
#include "ops/channel_norm.h"
#include "ops/check_epsilon.h"

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

}  // namespace

BatchStatistics batch_statistics(const Tensor& x) {
  check_channels("batch_norm", x.shape());
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
  return {channel_norm("batch_norm", x, gamma, beta, exact,
                       {.epsilon = epsilon, .activation = activation, .of_x = true, .mask = rows}),
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
  return channel_norm("batch_norm", x, gamma, beta, of_x,
                      {.epsilon = epsilon, .activation = activation, .of_x = true});
}

Variable batch_norm_inference(const Variable& x, const Variable& gamma, const Variable& beta,
                              const BatchStatistics& given, double epsilon, Activation activation) {
  check_operands(x, gamma, beta, epsilon);
  return channel_norm("batch_norm_inference", x, gamma, beta,
                      given_statistics("batch_norm", x.shape(), given),
                      {.epsilon = epsilon, .activation = activation});
}

}  // namespace keel
