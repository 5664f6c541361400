#include "keel/ops/group_norm.h"

#include <algorithm>

#include "kernels/dispatch/threads.h"
#include "kernels/group_norm.h"
#include "ops/check_epsilon.h"

namespace keel {
namespace {

using Sizes = kernels::GroupNormSizes;

// `affine` is the shape of gamma and beta.
void check_operands(const char* operation, const Variable& x, const Variable& gamma, const Variable& beta,
                    const Shape& affine, double epsilon) {
  check<ShapeError>(affine.numel() > 0, "[{}] expected at least one channel, found {}", operation, x.shape());
  for (const auto& [name, parameter] : {std::pair("gamma", &gamma), std::pair("beta", &beta)}) {
    if (!parameter->defined()) continue;
    check<ShapeError>(parameter->shape() == affine, "[{}] input {} expects {} of shape {}, found {}",
                      operation, x.shape(), name, affine, parameter->shape());
    check<DTypeError>(parameter->dtype() == x.dtype(), "[{}] expected {} elements in {}, found {}", operation,
                      name_of(x.dtype()), name, name_of(parameter->dtype()));
  }
  check_epsilon(operation, epsilon, x.dtype());
}

// Work space of the kernels.
template <class T>
struct Room {
  explicit Room(const Sizes& sizes)
      : threads(kernels::num_threads()),
        sums(Tensor::empty({threads, kernels::group_norm_room(sizes)}, DType::float64)),
        numbers(Tensor::empty({threads, 2 * kernels::group_norm_room(sizes)}, dtype_of<T>())) {}
  kernels::GroupNormRoom<T> get() { return {sums.data<double>(), numbers.data<T>(), threads}; }
  int threads;
  Tensor sums, numbers;
};

GradientFunction gradient(const Variable& x, const Variable& gamma, const Variable& beta, const Shape& affine,
                          const Tensor& statistics, const Sizes& sizes) {
  return [vx = x.value(), vgamma = gamma.defined() ? gamma.value() : Tensor(), has_beta = beta.defined(),
          affine, statistics, sizes](const Tensor& dy, Gradients& gradients) {
    const bool has_gamma = vgamma.defined();
    const std::size_t gamma_input = 1, beta_input = has_gamma ? 2 : 1;
    const bool wants_gamma = has_gamma && gradients.wants(gamma_input);
    const bool wants_beta = has_beta && gradients.wants(beta_input);
    const bool wants_sums = wants_gamma || wants_beta;
    dispatch_floating("group_norm", dy.dtype(), [&](auto zero) {
      using T = decltype(zero);
      Tensor dx, dgamma, dbeta, partial;
      kernels::GroupNormGradients<T> out{};
      if (gradients.wants(0)) {
        dx = Tensor::like(vx);
        out.dx = dx.data<T>();
      }
      if (wants_sums) {
        const Index chunk = kernels::group_norm_chunk(sizes), chunks = (sizes.outer + chunk - 1) / chunk;
        partial = Tensor::empty({chunks, 2, affine.numel()}, DType::float64);
        dgamma = Tensor::empty(affine, dy.dtype());
        dbeta = Tensor::empty(affine, dy.dtype());
        out.dgamma = dgamma.data<T>();
        out.dbeta = dbeta.data<T>();
      }
      kernels::group_norm_gradient(vx.data<T>(), dy.data<T>(), has_gamma ? vgamma.data<T>() : nullptr,
                                   statistics.data<double>(), Room<T>(sizes).get(),
                                   wants_sums ? partial.data<double>() : nullptr, out, sizes);
      if (dx.defined()) gradients.add(0, std::move(dx));
      if (wants_gamma) gradients.add(gamma_input, std::move(dgamma));
      if (wants_beta) gradients.add(beta_input, std::move(dbeta));
    });
  };
}

Variable normalized(const char* operation, const Variable& x, const Variable& gamma, const Variable& beta,
                    const Shape& affine, double epsilon, const Sizes& sizes) {
  Tensor y = Tensor::like(x.value());
  Tensor statistics = Tensor::empty({sizes.outer, sizes.groups, 2}, DType::float64);
  dispatch_floating(operation, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::group_norm(x.value().data<T>(), gamma.defined() ? gamma.value().data<T>() : nullptr,
                        beta.defined() ? beta.value().data<T>() : nullptr, epsilon, Room<T>(sizes).get(),
                        statistics.data<double>(), y.data<T>(), sizes);
  });
  std::vector<Variable> inputs = {x};
  if (gamma.defined()) inputs.push_back(gamma);
  if (beta.defined()) inputs.push_back(beta);
  return Variable::from_op(operation, std::move(y), std::move(inputs),
                           gradient(x, gamma, beta, affine, statistics, sizes));
}

}  // namespace

Variable group_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    const GroupNormSettings& options) {
  const Shape& shape = x.shape();
  check<ShapeError>(shape.rank() >= 2, "[group_norm] expected an input [N,...,C], found {}", shape);
  const Index channels = shape[-1], positions = shape.numel_between(1, shape.rank() - 1);
  check_operands("group_norm", x, gamma, beta, {channels}, options.epsilon);
  check<ValueError>(options.groups >= 1 && channels % options.groups == 0,
                    "[group_norm] expected a number of groups that divides the {} channels of input {}, "
                    "found {}",
                    channels, shape, options.groups);
  const Index width = channels / options.groups;
  check<ValueError>(!options.subtract_mean || positions * width != 1,
                    "[group_norm] expected more than one value in a group, found input {} and {} groups: the "
                    "result would be beta whatever the input",
                    shape, options.groups);
  check<ShapeError>(positions > 0, "[group_norm] expected at least one position, found {}", shape);
  return normalized("group_norm", x, gamma, beta, {channels}, options.epsilon,
                    {shape[0], positions, options.groups, width, options.subtract_mean});
}

Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    const LayerNormSettings& options) {
  const Shape& shape = x.shape();
  const int rank = shape.rank();
  check<ShapeError>(options.axes >= 1 && options.axes <= rank,
                    "[layer_norm] expected an input of at least {} axes, found {}", std::max(options.axes, 1),
                    shape);
  const Shape affine(std::span(shape.end() - options.axes, shape.end()));
  check_operands("layer_norm", x, gamma, beta, affine, options.epsilon);
  check<ValueError>(!options.subtract_mean || affine.numel() > 1,
                    "[layer_norm] expected more than one value to normalise over, found the last axes {} of "
                    "input {}: the result would be beta whatever the input",
                    affine, shape);
  return normalized(
      "layer_norm", x, gamma, beta, affine, options.epsilon,
      {shape.numel_between(0, rank - options.axes), 1, 1, affine.numel(), options.subtract_mean});
}

}  // namespace keel
