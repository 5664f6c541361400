#include "keel/ops/reduction.h"

#include <fmt/format.h>

#include "operation.h"

namespace keel::bench {
namespace {

const Shape kShape = {64 * 28 * 28, 32};

void add_case(const char* name, Variable (*reduce)(const Variable&)) {
  const double bytes = bytes_of_floats(kShape.numel());
  add_operation({.name = name,
                 .sizes = fmt::format("{}x{}", kShape[0], kShape[1]),
                 .forward = {.bytes = bytes},
                 .backward = {.bytes = bytes},
                 .make = [=] {
                   const Variable x = random_variable(kShape);
                   return Operation{{x}, [=] { return reduce(x); }};
                 }});
}

void add() {
  add_case("sum_rows", [](const Variable& x) { return sum(x, {.axes = {0}}); });
  add_case("sum_columns", [](const Variable& x) { return sum(x, {.axes = {1}}); });
  add_case("max_columns", [](const Variable& x) { return max(x, {.axes = {1}}); });
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
