#include "ops/channel_norm.h"

#include <algorithm>
#include <cmath>

#include "ops/channel_maps.h"

namespace keel {
namespace {

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

// To elements of the type, as the kernels want them: the first are repeated behind the last.
template <class T>
void store_terms(const StatisticsTerms& terms, Tensor& rows) {
  const Index channels = terms.slope.numel(), size = rows.size(1);
  for (Index i = 0; i < size; ++i) {
    rows.data<T>()[i] = static_cast<T>(terms.slope.data<double>()[i % channels]);
    rows.data<T>()[size + i] = static_cast<T>(terms.offset.data<double>()[i % channels]);
  }
}

// What all modes do backwards. Where the statistics depend on x as well, they give two terms: for those of x
// itself the ones that subtract means; with a mask these are means over the rows that count, of sums over
// all.
GradientFunction gradient(const Variable& x, const Variable& gamma, const Variable& beta, const Tensor& maps,
                          const ChannelNormOptions& options) {
  return [vx = x.value(), has_gamma = gamma.defined(), has_beta = beta.defined(), maps = maps,
          relu = options.activation == Activation::relu,
          options](const Tensor& dy, Gradients& gradients) mutable {
    const Index channels = vx.size(-1), rows = vx.numel() / channels;
    const std::size_t gamma_input = 1, beta_input = has_gamma ? 2 : 1;
    const bool wants_gamma = has_gamma && gradients.wants(gamma_input);
    const bool wants_beta = has_beta && gradients.wants(beta_input);
    const bool moves_statistics = options.of_x || options.through_statistics;
    Tensor dgamma = Tensor::empty({channels}, dy.dtype()), dbeta = Tensor::empty({channels}, dy.dtype());
    Tensor means = channel_rows(2, channels, dy.dtype());
    dispatch_floating("batch_norm", dy.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const kernels::BatchNormTerms<T> terms{dbeta.data<T>(), dgamma.data<T>(), means.data<T>(),
                                             means.data<T>() + means.size(1)};
      if (rows == 0) {
        dgamma.fill(0);
        dbeta.fill(0);
      } else if (moves_statistics || wants_gamma || wants_beta) {
        Tensor partial = Tensor::empty({kernels::batch_norm_partials(rows, channels)}, DType::float64);
        kernels::batch_norm_sums(vx.data<T>(), dy.data<T>(), maps_in<T>(maps), relu, partial.data<double>(),
                                 terms, rows, channels);
      }
      if (options.through_statistics && rows > 0) {
        store_terms<T>(options.through_statistics(dbeta, dgamma, rows), means);
      }
      if (wants_gamma) gradients.add(gamma_input, std::move(dgamma));
      if (wants_beta) gradients.add(beta_input, std::move(dbeta));
      if (!gradients.wants(0)) return;
      if (!moves_statistics) means.fill(0);
      if (options.mask) {
        const double share = static_cast<double>(rows) / static_cast<double>(options.mask->counted.size());
        T* const all = means.data<T>();
        std::transform(all, all + means.numel(), all,
                       [=](T term) { return static_cast<T>(static_cast<double>(term) * share); });
      }
      Tensor dx = Tensor::like(vx);
      kernels::batch_norm_gradient(vx.data<T>(), dy.data<T>(), maps_in<T>(maps), relu, terms, dx.data<T>(),
                                   rows, channels);
      if (options.mask) leave_out<T>(*options.mask, vx, dy, maps, relu, dx);
      gradients.add(0, std::move(dx));
    });
  };
}

}  // namespace

void check_channels(const char* operation, const Shape& x) {
  check<ShapeError>(x.rank() >= 2 && x[-1] > 0,
                    "[{}] expected an input [...,C] with at least two axes and one channel, found {}",
                    operation, x);
}

BatchStatistics given_statistics(const char* operation, const Shape& x, const BatchStatistics& given,
                                 bool nan_passes) {
  const Shape channels{x[-1]};
  check<ShapeError>(given.mean.shape() == channels && given.variance.shape() == channels,
                    "[{}] input {} expects mean and variance of shape {}, found {} and {}", operation, x,
                    channels, given.mean.shape(), given.variance.shape());
  const BatchStatistics exact{given.mean.to(DType::float64), given.variance.to(DType::float64)};
  for (Index c = 0; c < channels[0]; ++c) {
    const double value = exact.variance.data<double>()[c];
    check<ValueError>(value >= 0 || (nan_passes && std::isnan(value)),
                      "[{}] expected variances of at least 0, found {} in channel {}", operation, value, c);
  }
  return exact;
}

Variable channel_norm(const char* operation, const Variable& x, const Variable& gamma, const Variable& beta,
                      const BatchStatistics& statistics, const ChannelNormOptions& options) {
  const Index channels = x.shape()[-1];
  Tensor y = Tensor::like(x.value()), maps = channel_rows(5, channels, x.dtype());
  dispatch_floating(operation, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::channel_maps(statistics.mean.data<double>(), statistics.variance.data<double>(),
                          gamma.defined() ? gamma.value().data<T>() : nullptr,
                          beta.defined() ? beta.value().data<T>() : nullptr, options.epsilon,
                          maps_in<T>(maps), channels);
    kernels::normalize(x.value().data<T>(), maps_in<T>(maps), options.activation == Activation::relu,
                       y.data<T>(), y.numel() / channels, channels);
  });
  return Variable::from_op(operation, std::move(y), inputs_of(x, gamma, beta),
                           gradient(x, gamma, beta, maps, options));
}

}  // namespace keel
