#include "keel/ops/pool2d.h"

#include <fmt/format.h>

#include "operation.h"

namespace keel::bench {
namespace {

void add_case(const char* name, const Shape& shape, Variable (*pool)(const Variable&)) {
  // 2x2: the result has a quarter of the elements. backward: reads dy, writes dx.
  const double bytes = 1.25 * bytes_of_floats(shape.numel());
  add_operation({.name = name,
                 .sizes = fmt::format("{}", fmt::join(shape.begin(), shape.end(), "x")),
                 .forward = {.bytes = bytes},
                 .backward = {.bytes = bytes},
                 .make = [=] {
                   const Variable x = random_variable(shape);
                   return Operation{{x}, [=] { return pool(x); }};
                 }});
}

void add() {
  // The two of the cnn at batch 64.
  for (const Shape& shape : {Shape{64, 28, 28, 32}, Shape{64, 14, 14, 64}}) {
    add_case("max_pool2d", shape, [](const Variable& x) { return max_pool2d(x, {.kernel = 2}); });
    add_case("avg_pool2d", shape, [](const Variable& x) { return avg_pool2d(x, {.kernel = 2}); });
  }
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
