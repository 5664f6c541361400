#include "keel/nn/batch_norm.h"

#include <fmt/format.h>

#include "keel/nn/activation.h"
#include "keel/nn/sequential.h"
#include "operation.h"

namespace keel::bench {
namespace {

// The least that must move: the statistics need the whole input before the first result is known.
constexpr double kForwardPasses = 3;   // read x, read x, write y
constexpr double kBackwardPasses = 5;  // read x and dy for the sums, read x and dy, write dx

void add_case(bool with_relu, const Shape& shape) {
  const double bytes = bytes_of_floats(shape.numel());
  add_operation({.name = with_relu ? "batch_norm_relu" : "batch_norm",
                 .sizes = fmt::format("{}", fmt::join(shape.begin(), shape.end(), "x")),
                 .forward = {.bytes = kForwardPasses * bytes},
                 .backward = {.bytes = kBackwardPasses * bytes},
                 .make = [=] {
                   const auto model = std::make_shared<nn::Sequential>();
                   model->add<nn::BatchNorm>(shape[shape.rank() - 1]);
                   if (with_relu) model->add<nn::ReLU>();
                   Operation operation{{random_variable(shape)}, {}};
                   for (const auto& named : model->named_parameters())
                     operation.inputs.push_back(named.variable);
                   operation.forward = [model, x = operation.inputs[0]] {
                     nn::Context context(nn::Mode::training);
                     return model->forward(x, context);
                   };
                   return operation;
                 }});
}

void add() {
  for (const bool with_relu : {false, true}) {
    add_case(with_relu, {128, 128});         // the mlp's
    add_case(with_relu, {64, 14, 14, 64});   // of the cnn: 3 MB
    add_case(with_relu, {64, 28, 28, 32});   // of the cnn: 6 MB
    add_case(with_relu, {512, 28, 28, 32});  // 51 MB: larger than most caches
  }
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
