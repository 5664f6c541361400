#include "keel/ops/dense.h"

#include <fmt/format.h>

#include "operation.h"

namespace keel::bench {
namespace {

void add() {
  // The hidden layers of the mlp and of the cnn, and the mlp's last one.
  for (const auto& [c, k] : {std::pair<Index, Index>{784, 128}, {3136, 128}, {128, 10}}) {
    for (const Index n : {32, 128, 512}) {
      const double flops = 2.0 * static_cast<double>(n * c * k);
      add_operation({.name = "dense",
                     .sizes = fmt::format("{}x{}x{}", n, c, k),
                     .forward = {.flops = flops},
                     .backward = {.flops = 2 * flops},
                     .make = [=, c = c, k = k] {
                       const Variable x = random_variable({n, c}), weight = random_variable({c, k}),
                                      bias = random_variable({k});
                       return Operation{{x, weight, bias}, [=] { return dense(x, weight, bias); }};
                     }});
    }
  }
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
