#include "keel/ops/conv2d.h"

#include <fmt/format.h>

#include "operation.h"

namespace keel::bench {
namespace {

// 3x3, padding 1, with a bias. Work is that of the definition, products with the padding included: kernels
// that need fewer multiplications can come out above the peak.
struct Sizes {
  Index n, h, w, c, k;
};

// What backward computes: everything, or only what the first layer of a model needs.
enum class Gradients { all, of_weight, of_input };

void add_case(const char* name, const Sizes& s, Gradients gradients,
              Conv2dAlgorithm algorithm = Conv2dAlgorithm::fastest) {
  const double flops = 2.0 * static_cast<double>(s.n * s.h * s.w * 9) * static_cast<double>(s.c * s.k);
  add_operation({.name = name,
                 .sizes = fmt::format("{}x{}x{}x{}x{}", s.n, s.h, s.w, s.c, s.k),
                 .forward = {.flops = flops},
                 .backward = {.flops = gradients == Gradients::all ? 2 * flops : flops},
                 .make = [=] {
                   Variable x = random_variable({s.n, s.h, s.w, s.c});
                   Variable weight = random_variable({3, 3, s.c, s.k}), bias = random_variable({s.k});
                   x.set_requires_grad(gradients != Gradients::of_weight);
                   for (Variable v : {weight, bias}) v.set_requires_grad(gradients != Gradients::of_input);
                   return Operation{{x, weight, bias}, [=] {
                                      return conv2d(x, weight, bias, {.padding = 1, .algorithm = algorithm});
                                    }};
                 }});
}

void add() {
  // The four layers of the cnn at batch 64.
  for (const Sizes& s :
       {Sizes{64, 28, 28, 1, 32}, {64, 28, 28, 32, 32}, {64, 14, 14, 32, 64}, {64, 14, 14, 64, 64}}) {
    add_case("conv2d", s, Gradients::all);
    add_case("conv2d_direct", s, Gradients::all, Conv2dAlgorithm::direct);
    add_case("conv2d_weight_only", s, Gradients::of_weight);
    add_case("conv2d_input_only", s, Gradients::of_input);
  }
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
