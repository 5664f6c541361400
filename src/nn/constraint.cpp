#include "keel/nn/constraint.h"

#include <algorithm>
#include <cmath>

#include "keel/core/error.h"

namespace keel::nn {
namespace {

// Which vector each element of a tensor belongs to: all that agree in the axes that are not summed over.
class Vectors {
 public:
  Vectors(const Shape& shape, const std::vector<int>& axes) : shape_(shape) {
    std::vector<bool> summed(static_cast<std::size_t>(shape.rank()), axes.empty());
    if (axes.empty() && shape.rank() > 1) summed.back() = false;
    for (const int axis : axes) {
      const int from_front = axis < 0 ? axis + shape.rank() : axis;
      check<ShapeError>(from_front >= 0 && from_front < shape.rank(), "[constraint] {} has no axis {}", shape,
                        axis);
      summed[static_cast<std::size_t>(from_front)] = true;
    }
    strides_.resize(summed.size());
    for (std::size_t axis = summed.size(); axis-- > 0;) {
      if (summed[axis]) continue;
      strides_[axis] = count_;
      count_ *= shape[static_cast<int>(axis)];
    }
  }

  Index count() const { return count_; }

  // f(element, its vector) for each, in order.
  template <class F>
  void for_each(const F& f) const {
    if (shape_.rank() == 0) return f(Index{0}, Index{0});
    const Index columns = shape_[-1], rows = columns > 0 ? shape_.numel() / columns : 0;
    for (Index row = 0; row < rows; ++row) {
      Index rest = row, vector = 0;
      for (int axis = shape_.rank() - 2; axis >= 0; --axis) {
        vector += rest % shape_[axis] * strides_[static_cast<std::size_t>(axis)];
        rest /= shape_[axis];
      }
      for (Index c = 0; c < columns; ++c) f(row * columns + c, vector + c * strides_.back());
    }
  }

 private:
  Shape shape_;
  std::vector<Index> strides_;
  Index count_ = 1;
};

// Gives each vector the norm desired(its norm).
template <class F>
Constraint with_norms(std::vector<int> axes, const F& desired) {
  return [axes = std::move(axes), desired](Tensor& parameter) {
    const Vectors vectors(parameter.shape(), axes);
    std::vector<double> scales(static_cast<std::size_t>(vectors.count()));
    dispatch_floating("constraint", parameter.dtype(), [&](auto zero) {
      auto* w = parameter.data<decltype(zero)>();
      vectors.for_each([&](Index i, Index vector) {
        const double element = static_cast<double>(w[i]);
        scales[static_cast<std::size_t>(vector)] += element * element;
      });
      for (double& scale : scales) {
        const double norm = std::sqrt(scale);
        scale = norm > 0 ? desired(norm) / norm : 1;
      }
      vectors.for_each([&](Index i, Index vector) {
        const double scale = scales[static_cast<std::size_t>(vector)];
        if (scale != 1) w[i] = static_cast<decltype(zero)>(static_cast<double>(w[i]) * scale);
      });
    });
  };
}

}  // namespace

Constraint non_negative() {
  return [](Tensor& parameter) {
    dispatch_floating("constraint", parameter.dtype(), [&](auto zero) {
      auto* w = parameter.data<decltype(zero)>();
      for (Index i = 0; i < parameter.numel(); ++i) w[i] = w[i] < 0 ? decltype(zero)(0) : w[i];
    });
  };
}

Constraint max_norm(double most, std::vector<int> axes) {
  check<ValueError>(std::isfinite(most) && most > 0, "[max_norm] expected a finite norm above 0, found {}",
                    most);
  return with_norms(std::move(axes), [=](double norm) { return std::min(norm, most); });
}

Constraint unit_norm(std::vector<int> axes) {
  return with_norms(std::move(axes), [](double) { return 1.0; });
}

Constraint min_max_norm(const MinMaxNormOptions& options) {
  const double least = options.least, most = options.most, rate = options.rate;
  check<ValueError>(least >= 0 && least <= most && most > 0 && std::isfinite(most),
                    "[min_max_norm] expected finite norms 0 <= least <= most, most above 0, found {} and {}",
                    least, most);
  check<ValueError>(rate > 0 && rate <= 1, "[min_max_norm] expected a rate in (0,1], found {}", rate);
  return with_norms(options.axes, [=](double norm) {
    const double allowed = std::clamp(norm, least, most);
    return allowed == norm ? norm : rate * allowed + (1 - rate) * norm;
  });
}

}  // namespace keel::nn
