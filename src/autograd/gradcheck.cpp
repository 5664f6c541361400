#include "keel/autograd/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "keel/core/rng.h"

namespace keel {
namespace {

Tensor random_like(const Tensor& other, Rng& rng) {
  Tensor result = Tensor::like(other);
  double* values = result.data<double>();
  for (Index i = 0; i < result.numel(); ++i) values[i] = rng.normal();
  return result;
}

double dot(const Tensor& a, const Tensor& b) {
  const double* p = a.data<double>();
  const double* q = b.data<double>();
  double total = 0;
  for (Index i = 0; i < a.numel(); ++i) total += p[i] * q[i];
  return total;
}

double norm(const std::vector<double>& values) {
  double total = 0;
  for (const double v : values) total += v * v;
  return std::sqrt(total);
}

// Gives a leaf elements of its own for a scope, so that nothing captured earlier changes with them.
class Perturbation {
 public:
  explicit Perturbation(Variable& leaf) : leaf_(leaf), original_(leaf.value()) {
    leaf.set_value(original_.clone());
  }
  ~Perturbation() { leaf_.set_value(original_); }
  Perturbation(const Perturbation&) = delete;
  Perturbation& operator=(const Perturbation&) = delete;

 private:
  Variable& leaf_;
  const Tensor original_;
};

class Checker {
 public:
  Checker(const std::function<Variable()>& f, const std::vector<Variable>& leaves,
          const GradcheckOptions& options)
      : f_(f), leaves_(leaves), options_(options), rng_(Rng(options.seed, Stream::test).substream(1)) {}

  GradcheckResult run() {
    GradcheckResult result;
    {
      const Variable y = f_();
      if (!y.requires_grad()) {
        result.message = "the result depends on no input that requires a gradient";
        return result;
      }
      cotangent_ = random_like(y.value(), rng_);
      const double first = dot(cotangent_, y.value());
      if (!std::isfinite(first)) {
        result.message = "f gives a result that is not finite";
        return result;
      }
      if (const double again = loss(); !(again == first)) {
        result.message =
            fmt::format("f is not a function of its inputs: it gave {} and then {}", first, again);
        return result;
      }
      analytic_gradients(y);
    }
    for (std::size_t i = 0; i < leaves_.size(); ++i) check_leaf(i, result);
    if (checked_ == 0 && result.message.empty()) result.message = "no element was checked";
    result.ok = result.message.empty();
    return result;
  }

 private:
  double loss() {
    const NoGrad no_grad;
    return dot(cotangent_, f_().value());
  }

  // Backward into accumulators that already hold something; what was there is taken off again.
  void analytic_gradients(const Variable& y) {
    std::vector<Tensor> before;
    for (Variable& leaf : leaves_) {
      before.push_back(random_like(leaf.value(), rng_));
      leaf.set_grad(before.back().clone());
    }
    y.backward(cotangent_);
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      const double* sum = leaves_[i].grad().data<double>();
      const double* old = before[i].data<double>();
      std::vector<double>& gradient = analytic_.emplace_back();
      for (Index k = 0; k < before[i].numel(); ++k) gradient.push_back(sum[k] - old[k]);
      leaves_[i].clear_grad();
    }
  }

  std::vector<double> numeric_gradient(Variable& leaf) {
    std::vector<double> gradient;
    const Perturbation perturbation(leaf);
    for (Index k = 0; k < leaf.value().numel(); ++k) {
      double& element = leaf.mutable_value().data<double>()[k];
      const double centre = element, h = options_.step * std::max(1.0, std::abs(centre));
      element = centre + h;
      const double above = loss(), step_up = element - centre;
      element = centre - h;
      const double below = loss(), step_down = centre - element;
      element = centre;
      gradient.push_back((above - below) / (step_up + step_down));
    }
    return gradient;
  }

  void check_leaf(std::size_t i, GradcheckResult& result) {
    const std::vector<double>& analytic = analytic_[i];
    const std::vector<double> numeric = numeric_gradient(leaves_[i]);
    std::vector<double> difference(analytic.size());
    std::size_t worst = 0;
    for (std::size_t k = 0; k < analytic.size(); ++k) {
      difference[k] = analytic[k] - numeric[k];
      // The first NaN is the worst.
      if (!std::isnan(difference[worst]) && !(std::abs(difference[k]) <= std::abs(difference[worst])))
        worst = k;
    }
    checked_ += analytic.size();
    const double size = norm(analytic) + norm(numeric);
    const bool zero_expected =
        std::count(options_.zero_gradients.begin(), options_.zero_gradients.end(), i) > 0;
    std::string problem;
    if (zero_expected) {
      // Rounding is all that may be left; the loss is a sum of terms of order one.
      if (!(size <= 1e-6)) problem = fmt::format("a gradient of norm {} where zero was declared", size);
    } else if (size == 0) {
      if (!analytic.empty()) problem = "a gradient of zeros, which checks nothing";
    } else {
      const double error = norm(difference) / size;
      if (!(error <= result.worst_error)) result.worst_error = error;
      if (!(error <= options_.tolerance)) {
        problem = fmt::format(
            "relative error {:.3g} above {:.3g}; worst at element {}: analytic {:.9g}, numeric {:.9g}", error,
            options_.tolerance, worst, analytic[worst], numeric[worst]);
      }
    }
    if (!problem.empty()) {
      result.message += fmt::format("{}input {} {}: {}", result.message.empty() ? "" : "; ", i,
                                    leaves_[i].shape(), problem);
    }
  }

  const std::function<Variable()>& f_;
  std::vector<Variable> leaves_;
  const GradcheckOptions& options_;
  // A stream of its own: test inputs drawn from the same seed would be parallel to the cotangent, and the
  // gradient of sum(x * f(x)) vanishes for a normalisation f.
  Rng rng_;
  Tensor cotangent_;
  std::vector<std::vector<double>> analytic_;
  std::size_t checked_ = 0;
};

}  // namespace

GradcheckResult gradcheck(const std::function<Variable()>& f, const std::vector<Variable>& leaves,
                          const GradcheckOptions& options) {
  check<ValueError>(!leaves.empty(), "[gradcheck] expected at least one input, found none");
  for (const Variable& leaf : leaves) {
    check<DTypeError>(leaf.dtype() == DType::float64, "[gradcheck] expected float64 inputs, found {}",
                      name_of(leaf.dtype()));
    check(leaf.requires_grad(), "[gradcheck] expected inputs that require a gradient");
  }
  return Checker(f, leaves, options).run();
}

GradcheckResult gradcheck(const DifferentiableFunction& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options) {
  std::vector<Variable> leaves;
  for (const Tensor& input : inputs) {
    check<DTypeError>(input.dtype() == DType::float64, "[gradcheck] expected float64 inputs, found {}",
                      name_of(input.dtype()));
    leaves.emplace_back(input.clone(), true);
  }
  return gradcheck(std::function<Variable()>([&] { return f(leaves); }), leaves, options);
}

}  // namespace keel
