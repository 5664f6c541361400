#include "keel/ops/dropout.h"

#include <fmt/format.h>

#include "operation.h"

namespace keel::bench {
namespace {

void add() {
  for (const Shape& shape : {Shape{128, 128}, Shape{64, 28, 28, 32}}) {
    const double bytes = 2 * bytes_of_floats(shape.numel());
    add_operation({.name = "dropout",
                   .sizes = fmt::format("{}", shape.numel()),
                   .forward = {.bytes = bytes},
                   .backward = {.bytes = bytes},
                   .make = [=] {
                     const Variable x = random_variable(shape);
                     return Operation{{x}, [=] { return dropout(x, 0.5, Rng(1, Stream::dropout)); }};
                   }});
  }
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
