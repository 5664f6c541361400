// Arithmetic of a few numbers, such as one for each channel, in double.
#pragma once

#include <array>
#include <tuple>

#include "keel/core/tensor.h"

namespace keel {

// f of the elements of tensors of equal shape, in double.   -> float64
template <class F, class... Tensors>
Tensor mapped(const F& f, const Tensors&... tensors) {
  const std::array<Tensor, sizeof...(Tensors)> exact{tensors.to(DType::float64)...};
  Tensor result = Tensor::like(exact[0]);
  for (Index i = 0; i < result.numel(); ++i) {
    const auto of_element = [&](const auto&... each) { return f(each.template data<double>()[i]...); };
    result.data<double>()[i] = std::apply(of_element, exact);
  }
  return result;
}

}  // namespace keel
