#include "keel/ops/softmax.h"

#include <fmt/format.h>

#include "keel/ops/loss.h"
#include "operation.h"

namespace keel::bench {
namespace {

struct Sizes {
  Index n, k;
};

Tensor some_labels(const Sizes& s) {
  Tensor labels = Tensor::empty({s.n}, DType::int32);
  for (Index i = 0; i < s.n; ++i) labels.data<std::int32_t>()[i] = static_cast<std::int32_t>(7 * i % s.k);
  return labels;
}

void add_case(const char* name, const Sizes& s, const std::function<Variable(const Variable&)>& function) {
  const double bytes = bytes_of_floats(s.n * s.k);
  add_operation({.name = name,
                 .sizes = fmt::format("{}x{}", s.n, s.k),
                 .forward = {.bytes = 2 * bytes},   // read x, write y; of the loss, its probabilities
                 .backward = {.bytes = 2 * bytes},  // read those, write dx
                 .make = [=] {
                   const Variable x = random_variable({s.n, s.k});
                   return Operation{{x}, [=] { return function(x); }};
                 }});
}

void add() {
  for (const Sizes& s : {Sizes{32, 10}, {512, 10}, {1024, 1000}}) {
    add_case("softmax", s, softmax);
    add_case("log_softmax", s, log_softmax);
    add_case("softmax_cross_entropy", s,
             [labels = some_labels(s)](const Variable& x) { return softmax_cross_entropy(x, labels); });
  }
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
