#include "keel/nn/init.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "keel/core/error.h"

namespace keel::nn {

namespace {

// tensor[i] = draw(), in row-major order.
template <class Draw>
void fill_with(const char* initializer, Tensor& tensor, const Draw& draw) {
  dispatch_floating(initializer, tensor.dtype(), [&]<class T>(T) {
    T* elements = tensor.data<T>();
    for (Index i = 0; i < tensor.numel(); ++i) elements[i] = static_cast<T>(draw());
  });
}

Initializer fill_constant(const char* name, double value) {
  return [name, value](Tensor& tensor, const Fans&, Rng&) { fill_with(name, tensor, [&] { return value; }); };
}

void require_fans(const char* initializer, const Fans& fans) {
  check<ValueError>(fans.fan_in >= 1 && fans.fan_out >= 1, "[{}] fan_in {}, fan_out {}: expected both >= 1",
                    initializer, fans.fan_in, fans.fan_out);
}

double glorot_variance(const char* initializer, const Fans& fans) {
  require_fans(initializer, fans);
  return 2 / static_cast<double>(fans.fan_in + fans.fan_out);
}

double he_variance(const char* initializer, const Fans& fans) {
  require_fans(initializer, fans);
  return 2 / static_cast<double>(fans.fan_in);
}

double pytorch_variance(const char* initializer, const Fans& fans) {
  require_fans(initializer, fans);
  return 1 / (3 * static_cast<double>(fans.fan_in));
}

using Variance = double (*)(const char* initializer, const Fans& fans);

// U(-b, b) has variance b^2 / 3.
Initializer uniform_of_variance(const char* name, Variance variance) {
  return [name, variance](Tensor& tensor, const Fans& fans, Rng& rng) {
    const double bound = std::sqrt(3 * variance(name, fans));
    fill_with(name, tensor, [&] { return rng.uniform(-bound, bound); });
  };
}

Initializer normal_of_variance(const char* name, Variance variance) {
  return [name, variance](Tensor& tensor, const Fans& fans, Rng& rng) {
    const double deviation = std::sqrt(variance(name, fans));
    fill_with(name, tensor, [&] { return deviation * rng.normal(); });
  };
}

// A type of its own, by which is_pytorch_default() knows it.
struct PyTorchDefault {
  void operator()(Tensor& tensor, const Fans& fans, Rng& rng) const {
    uniform_of_variance("pytorch_default", pytorch_variance)(tensor, fans, rng);
  }
};

// Gram and Schmidt's orthonormalisation of `count` normal vectors one after the other, each taken twice, as
// rounding leaves some of what is taken off. All coefficients on the diagonal are positive, which is what
// makes the result uniformly distributed.
std::vector<double> orthonormal_vectors(Index count, Index length, Rng& rng) {
  std::vector<double> vectors(static_cast<std::size_t>(count * length));
  for (double& element : vectors) element = rng.normal();
  for (Index i = 0; i < count; ++i) {
    const auto vector = vectors.begin() + i * length;
    for (Index k = 0; k < 2 * i; ++k) {
      const auto other = vectors.begin() + k % i * length;
      const double along = std::inner_product(vector, vector + length, other, 0.0);
      for (Index j = 0; j < length; ++j) vector[j] -= along * other[j];
    }
    const double norm = std::sqrt(std::inner_product(vector, vector + length, vector, 0.0));
    for (Index j = 0; j < length; ++j) vector[j] /= norm;
  }
  return vectors;
}

struct Named {
  const char* name;
  Initializer (*make)();
};
constexpr std::array kNamed = {
    Named{"glorot_normal", glorot_normal},
    Named{"glorot_uniform", glorot_uniform},
    Named{"he_normal", he_normal},
    Named{"he_uniform", he_uniform},
    Named{"identity", identity},
    Named{"normal", [] { return normal(); }},
    Named{"ones", ones},
    Named{"orthogonal", orthogonal},
    Named{"pytorch_default", pytorch_default},
    Named{"uniform", [] { return uniform(); }},
    Named{"zeros", zeros},
};

}  // namespace

Fans fans_of(const Shape& weight) {
  check<ShapeError>(weight.rank() >= 2, "[fans_of] weight {} has rank {}, expected 2 or more", weight,
                    weight.rank());
  const Index receptive_field = weight.numel_between(0, weight.rank() - 2);
  return {.fan_in = receptive_field * weight[-2], .fan_out = receptive_field * weight[-1]};
}

Initializer zeros() { return fill_constant("zeros", 0); }
Initializer ones() { return fill_constant("ones", 1); }
Initializer constant(double value) { return fill_constant("constant", value); }

Initializer normal(double mean, double deviation) {
  check<ValueError>(std::isfinite(mean) && std::isfinite(deviation) && deviation >= 0,
                    "[normal] mean {}, deviation {}: expected finite numbers, the deviation >= 0", mean,
                    deviation);
  return [=](Tensor& tensor, const Fans&, Rng& rng) {
    fill_with("normal", tensor, [&] { return mean + deviation * rng.normal(); });
  };
}

Initializer uniform(double low, double high) {
  check<ValueError>(std::isfinite(low) && std::isfinite(high) && low <= high,
                    "[uniform] from {} to {}: expected finite numbers in ascending order", low, high);
  return [=](Tensor& tensor, const Fans&, Rng& rng) {
    fill_with("uniform", tensor, [&] { return rng.uniform(low, high); });
  };
}

Initializer glorot_uniform() { return uniform_of_variance("glorot_uniform", glorot_variance); }
Initializer glorot_normal() { return normal_of_variance("glorot_normal", glorot_variance); }
Initializer he_uniform() { return uniform_of_variance("he_uniform", he_variance); }
Initializer he_normal() { return normal_of_variance("he_normal", he_variance); }
Initializer pytorch_default() { return PyTorchDefault(); }
bool is_pytorch_default(const Initializer& initializer) {
  return initializer.target<PyTorchDefault>() != nullptr;
}

Initializer orthogonal() {
  return [](Tensor& tensor, const Fans&, Rng& rng) {
    check<ShapeError>(tensor.rank() >= 2, "[orthogonal] expected a tensor of at least two axes, found {}",
                      tensor.shape());
    const Index columns = tensor.size(-1), rows = tensor.shape().numel_between(0, tensor.rank() - 1);
    const bool tall = rows >= columns;
    const std::vector<double> vectors =
        orthonormal_vectors(std::min(rows, columns), std::max(rows, columns), rng);
    Index i = 0;
    fill_with("orthogonal", tensor, [&] {
      const Index row = i / columns, column = i % columns;
      ++i;
      return vectors[static_cast<std::size_t>(tall ? column * rows + row : row * columns + column)];
    });
  };
}

Initializer identity() {
  return [](Tensor& tensor, const Fans&, Rng&) {
    check<ShapeError>(tensor.rank() == 2, "[identity] expected a matrix, found {}", tensor.shape());
    const Index columns = tensor.size(1);
    Index i = 0;
    fill_with("identity", tensor, [&] {
      const bool on_diagonal = i / columns == i % columns;
      ++i;
      return on_diagonal ? 1.0 : 0.0;
    });
  };
}

std::vector<std::string> initializer_names() {
  std::vector<std::string> names;
  names.reserve(kNamed.size());
  for (const Named& entry : kNamed) names.emplace_back(entry.name);
  return names;
}

Initializer initializer_by_name(std::string_view name) {
  for (const Named& entry : kNamed) {
    if (name == entry.name) return entry.make();
  }
  throw ValueError(fmt::format("[initializer_by_name] no initialiser '{}'; there are {}", name,
                               fmt::join(initializer_names(), ", ")));
}

Initializer bias_initializer_for(std::string_view weight_initializer) {
  Initializer weight = initializer_by_name(weight_initializer);
  return weight_initializer == "pytorch_default" ? weight : zeros();
}

}  // namespace keel::nn
