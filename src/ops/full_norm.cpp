#include "keel/ops/full_norm.h"

#include <cmath>

#include "ops/channel_norm.h"
#include "ops/check_epsilon.h"
#include "ops/mapped.h"

namespace keel {
namespace {

// Moves the averages, and takes them for the gradients of the moments.
StatisticsGradient moving_gradient(const BatchStatistics& given, const MomentGradients& averages,
                                   double alpha, double epsilon) {
  return [=, mean = given.mean.clone(), variance = given.variance.clone(), first = averages.mean,
          second = averages.second_moment](const Tensor& sum_d, const Tensor& sum_d_xhat,
                                           Index rows) mutable {
    const auto moved = [=](double old, double now) { return (1 - alpha) * old + alpha * now; };
    const Tensor rho = mapped([=](double v) { return 1 / std::sqrt(v + epsilon); }, variance);
    const Tensor of_second = mapped([](double r, double sum) { return -0.5 * r * r * sum; }, rho, sum_d_xhat);
    const Tensor of_mean =
        mapped([](double r, double sum, double m, double g_s) { return -r * sum - 2 * m * g_s; }, rho, sum_d,
               mean, of_second);
    const Tensor new_second = mapped(moved, second, of_second), new_first = mapped(moved, first, of_mean);
    second.copy_from(new_second.to(second.dtype()));
    first.copy_from(new_first.to(first.dtype()));
    const auto share = [=](double r) { return 1 / (static_cast<double>(rows) * r); };
    return StatisticsTerms{
        mapped([=](double r, double s) { return 2 * s * share(r); }, rho, new_second),
        mapped([=](double r, double centre, double f, double s) { return (f + 2 * centre * s) * share(r); },
               rho, mean.to(sum_d.dtype()), new_first, new_second)};
  };
}

}  // namespace

Variable full_norm(const Variable& x, const Tensor& mean, const Tensor& variance,
                   const MomentGradients& averages, double alpha, double epsilon) {
  check_channels("full_norm", x.shape());
  // A variance that is NaN passes, as it does in batch_norm(): x was not finite, and so y shall not be.
  const BatchStatistics given = given_statistics("full_norm", x.shape(), {mean, variance}, true);
  for (const Tensor* average : {&averages.mean, &averages.second_moment}) {
    check<ShapeError>(average->shape() == mean.shape(),
                      "[full_norm] input {} expects averages of shape {}, found {}", x.shape(), mean.shape(),
                      average->shape());
    check<DTypeError>(average->dtype() == x.dtype(), "[full_norm] expected averages of {}, found {}",
                      name_of(x.dtype()), name_of(average->dtype()));
  }
  check<ValueError>(alpha > 0 && alpha <= 1, "[full_norm] expected alpha in (0,1], found {}", alpha);
  check_epsilon("full_norm", epsilon, x.dtype());
  return channel_norm(
      "full_norm", x, {}, {}, given,
      {.epsilon = epsilon, .through_statistics = moving_gradient(given, averages, alpha, epsilon)});
}

}  // namespace keel
