#include "keel/ops/elementwise.h"

#include <fmt/format.h>

#include "keel/ops/arithmetic.h"
#include "operation.h"

namespace keel::bench {
namespace {

const Shape kShape = {64, 28, 28, 32};

// forward: reads x, writes y; backward: reads y (or x) and dy, writes dx.
void add_function(const char* name, Variable (*function)(const Variable&)) {
  const double bytes = bytes_of_floats(kShape.numel());
  add_operation({.name = name,
                 .sizes = fmt::format("{}", kShape.numel()),
                 .forward = {.bytes = 2 * bytes},
                 .backward = {.bytes = 3 * bytes},
                 .make = [=] {
                   const Variable x = random_variable(kShape);
                   return Operation{{x}, [=] { return function(x); }};
                 }});
}

// backward_passes: what is read and written of tensors of that size.
void add_arithmetic(const char* name, Variable (*function)(const Variable&, const Variable&),
                    int backward_passes) {
  const double bytes = bytes_of_floats(kShape.numel());
  add_operation({.name = name,
                 .sizes = fmt::format("{}", kShape.numel()),
                 .forward = {.bytes = 3 * bytes},
                 .backward = {.bytes = backward_passes * bytes},
                 .make = [=] {
                   const Variable a = random_variable(kShape), b = random_variable(kShape);
                   return Operation{{a, b}, [=] { return function(a, b); }};
                 }});
}

void add() {
  add_function("relu", relu);
  add_function("sigmoid", sigmoid);
  add_function("tanh", tanh);
  add_function("exp", exp);
  add_arithmetic("add", keel::add, 3);            // reads dy, writes both
  add_arithmetic("multiply", keel::multiply, 5);  // reads dy, a, b, writes both
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
